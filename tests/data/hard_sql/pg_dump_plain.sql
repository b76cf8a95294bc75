--
-- PostgreSQL database dump
--

\restrict 3fHbWq1LrVtY8uZkXc0NpOaEsDg7MiJ2R5TxKyQvB4nUoFhIeGwClS6PdAmz9j0

-- Dumped from database version 15.14
-- Dumped by pg_dump version 18.4

SET statement_timeout = 0;
SET lock_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: EXTENSION plpgsql; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON EXTENSION plpgsql IS 'PL/pgSQL; the "procedural" language';


--
-- Name: touch(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.touch() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
BEGIN
    NEW.note := coalesce(NEW.note, '$1;') || ';'; -- $$
    RETURN NEW;
END;
$_$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: orders; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.orders (
    id integer NOT NULL,
    note text DEFAULT 'it''s; new'::text,
    CONSTRAINT orders_note_check CHECK ((note <> ';'::text))
);


--
-- Name: orders_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.orders_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER SEQUENCE public.orders_id_seq OWNED BY public.orders.id;

ALTER TABLE ONLY public.orders ALTER COLUMN id SET DEFAULT nextval('public.orders_id_seq'::regclass);


--
-- Data for Name: orders; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.orders (id, note) FROM stdin;
1	\\restrict x; --
2	\N
3	a\tb\\.
\.


SELECT pg_catalog.setval('public.orders_id_seq', 3, true);


ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);

CREATE RULE keep AS
    ON DELETE TO public.orders DO INSTEAD ( UPDATE public.orders SET note = 'kept;'::text
  WHERE (orders.id = old.id);
 SELECT 1;
);

CREATE TRIGGER touched BEFORE INSERT ON public.orders FOR EACH ROW EXECUTE FUNCTION public.touch();


--
-- PostgreSQL database dump complete
--

\unrestrict 3fHbWq1LrVtY8uZkXc0NpOaEsDg7MiJ2R5TxKyQvB4nUoFhIeGwClS6PdAmz9j0

