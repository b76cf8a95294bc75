--
-- PostgreSQL database dump
--

\restrict 5sPihy5yi4dVTwBiphwGjB7fZpj5RM79wwmE6kjCqot5EecpfTnOfIWUIi7Q46g

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

COPY public.texts (id, body, letter) FROM stdin;
1	windows\r\nline ends\r\n	\r
2	a lone \r return	\r
3	unix\nline ends\n	\r
4	all \r\n\r \n\r\n of them	\r
5	other ends of lines:\v\f  .	\r
\.


--
-- Name: texts texts_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.texts
    ADD CONSTRAINT texts_pkey PRIMARY KEY (id);


--
-- PostgreSQL database dump complete
--

\unrestrict 5sPihy5yi4dVTwBiphwGjB7fZpj5RM79wwmE6kjCqot5EecpfTnOfIWUIi7Q46g

