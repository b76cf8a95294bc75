--
-- PostgreSQL database dump
--

\restrict RGqIXb6sBcJeFXJRe5CdHdMVlVEtA30MF9lwwZp1VddDRZPlOu1xkMgmgZ8CdwF

-- Dumped from database version 15.20 (Debian 15.20-0+deb12u1)
-- Dumped by pg_dump version 15.20 (Debian 15.20-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: two_lines(); Type: FUNCTION; Schema: public; Owner: postgres
--

CREATE FUNCTION public.two_lines() RETURNS text
    LANGUAGE sql
    AS $$SELECT 'a
b'
$$;


ALTER FUNCTION public.two_lines() OWNER TO postgres;

--
-- Name: FUNCTION two_lines(); Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON FUNCTION public.two_lines() IS 'first
secondthird';


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: texts; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.texts (
    id integer NOT NULL,
    body text,
    letter text DEFAULT ''::text
);


ALTER TABLE public.texts OWNER TO postgres;

--
-- Data for Name: texts; Type: TABLE DATA; Schema: public; Owner: postgres
--

INSERT INTO public.texts VALUES (1, 'windows
line ends
', '');
INSERT INTO public.texts VALUES (2, 'a lone  return', '');
INSERT INTO public.texts VALUES (3, 'unix
line ends
', '');
INSERT INTO public.texts VALUES (4, 'all 
 

 of them', '');
INSERT INTO public.texts VALUES (5, 'other ends of lines:  .', '');


--
-- Name: texts texts_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.texts
    ADD CONSTRAINT texts_pkey PRIMARY KEY (id);


--
-- PostgreSQL database dump complete
--

\unrestrict RGqIXb6sBcJeFXJRe5CdHdMVlVEtA30MF9lwwZp1VddDRZPlOu1xkMgmgZ8CdwF

