--
-- PostgreSQL database dump
--

\restrict jVHPFbT6MWSGAUul071dGPBknphKxicY75Np69IOuiI3xeAwQQgKzmLH6aC7ULc

-- Dumped from database version 17.11
-- Dumped by pg_dump version 17.11

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: Odd; Name; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA "Odd; Name";


ALTER SCHEMA "Odd; Name" OWNER TO postgres;

--
-- Name: SCHEMA public; Type: COMMENT; Schema: -; Owner: pg_database_owner
--

COMMENT ON SCHEMA public IS 'It''s the "standard" schema; with a semicolon and a C:\path\';


--
-- Name: shop; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA shop;


ALTER SCHEMA shop OWNER TO postgres;

--
-- Name: builtin; Type: COLLATION; Schema: shop; Owner: postgres
--

CREATE COLLATION shop.builtin (provider = builtin, locale = 'C.UTF-8');


ALTER COLLATION shop.builtin OWNER TO postgres;

--
-- Name: plain; Type: COLLATION; Schema: shop; Owner: postgres
--

CREATE COLLATION shop.plain (provider = libc, locale = 'C');


ALTER COLLATION shop.plain OWNER TO postgres;

--
-- Name: address; Type: TYPE; Schema: shop; Owner: postgres
--

CREATE TYPE shop.address AS (
	street text,
	"end" text,
	zip character varying(10)
);


ALTER TYPE shop.address OWNER TO postgres;

--
-- Name: mood; Type: TYPE; Schema: shop; Owner: postgres
--

CREATE TYPE shop.mood AS ENUM (
    'happy',
    'it''s fine',
    'semi;colon',
    '\.',
    '--',
    '/*',
    '$$',
    'größer',
    '🙂'
);


ALTER TYPE shop.mood OWNER TO postgres;

--
-- Name: TYPE mood; Type: COMMENT; Schema: shop; Owner: postgres
--

COMMENT ON TYPE shop.mood IS 'two
lines; and a \ backslash';


--
-- Name: path; Type: DOMAIN; Schema: shop; Owner: postgres
--

CREATE DOMAIN shop.path AS text COLLATE pg_catalog."C"
	CONSTRAINT path_check CHECK ((VALUE ~ '^\\|^[^\\;]+$'::text));


ALTER DOMAIN shop.path OWNER TO postgres;

--
-- Name: percentage; Type: DOMAIN; Schema: shop; Owner: postgres
--

CREATE DOMAIN shop.percentage AS numeric(5,2) NOT NULL DEFAULT 0
	CONSTRAINT percentage_sane CHECK (((VALUE >= (0)::numeric) AND (VALUE <= (100)::numeric)));


ALTER DOMAIN shop.percentage OWNER TO postgres;

--
-- Name: DOMAIN percentage; Type: COMMENT; Schema: shop; Owner: postgres
--

COMMENT ON DOMAIN shop.percentage IS '-- no comment';


--
-- Name: shell; Type: TYPE; Schema: shop; Owner: postgres
--

CREATE TYPE shop.shell;


ALTER TYPE shop.shell OWNER TO postgres;

--
-- Name: span; Type: TYPE; Schema: shop; Owner: postgres
--

CREATE TYPE shop.span AS RANGE (
    subtype = double precision,
    multirange_type_name = shop.span_multirange,
    subtype_diff = float8mi
);


ALTER TYPE shop.span OWNER TO postgres;

--
-- Name: to_text(shop.address); Type: FUNCTION; Schema: shop; Owner: postgres
--

CREATE FUNCTION shop.to_text(shop.address) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $_$ SELECT ($1).street $_$;


ALTER FUNCTION shop.to_text(shop.address) OWNER TO postgres;

--
-- Name: CAST (shop.address AS text); Type: CAST; Schema: -; Owner: -
--

CREATE CAST (shop.address AS text) WITH FUNCTION shop.to_text(shop.address) AS ASSIGNMENT;


--
-- Name: merged(integer); Type: FUNCTION; Schema: public; Owner: postgres
--

CREATE FUNCTION public.merged(n integer) RETURNS void
    LANGUAGE plpgsql
    AS $$
    BEGIN
        MERGE INTO newer_15 t USING (SELECT n AS a) s ON t.a = s.a
            WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (s.a, 0);
    END $$;


ALTER FUNCTION public.merged(n integer) OWNER TO postgres;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: newer_15; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.newer_15 (
    a integer,
    b integer
);


ALTER TABLE public.newer_15 OWNER TO postgres;

--
-- Name: merged_atomic(integer); Type: FUNCTION; Schema: public; Owner: postgres
--

CREATE FUNCTION public.merged_atomic(n integer) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
 MERGE INTO public.newer_15 t
    USING ( SELECT merged_atomic.n AS a) s
    ON (t.a = s.a)
    WHEN NOT MATCHED BY SOURCE
     THEN UPDATE SET b =
         CASE
             WHEN (t.b > 0) THEN 1
             ELSE 2
         END
    WHEN NOT MATCHED BY TARGET
     THEN INSERT (a, b)
      VALUES (s.a, 0);
END;


ALTER FUNCTION public.merged_atomic(n integer) OWNER TO postgres;

--
-- Name: Name; with $$(integer); Type: FUNCTION; Schema: shop; Owner: postgres
--

CREATE FUNCTION shop."Name; with $$"("in" integer, OUT "out;" integer) RETURNS integer
    LANGUAGE sql
    AS $_$SELECT $1$_$;


ALTER FUNCTION shop."Name; with $$"("in" integer, OUT "out;" integer) OWNER TO postgres;

--
-- Name: commits(); Type: PROCEDURE; Schema: shop; Owner: postgres
--

CREATE PROCEDURE shop.commits()
    LANGUAGE plpgsql
    AS $$ BEGIN COMMIT; BEGIN NULL; END; ROLLBACK; END; $$;


ALTER PROCEDURE shop.commits() OWNER TO postgres;

--
-- Name: ends_in_a_dollar(); Type: FUNCTION; Schema: shop; Owner: postgres
--

CREATE FUNCTION shop.ends_in_a_dollar() RETURNS text
    LANGUAGE sql
    AS $_$SELECT '$'$_$;


ALTER FUNCTION shop.ends_in_a_dollar() OWNER TO postgres;

--
-- Name: holds_two_dollars(); Type: FUNCTION; Schema: shop; Owner: postgres
--

CREATE FUNCTION shop.holds_two_dollars() RETURNS text
    LANGUAGE sql
    AS $_XX$ SELECT '$$; $_$ and $_X$'::text; $_XX$;


ALTER FUNCTION shop.holds_two_dollars() OWNER TO postgres;

--
-- Name: in_a_table(integer); Type: FUNCTION; Schema: shop; Owner: postgres
--

CREATE FUNCTION shop.in_a_table(first integer) RETURNS TABLE(id integer, "end" text)
    LANGUAGE sql
    AS $_$ SELECT $1, 'x;' $_$;


ALTER FUNCTION shop.in_a_table(first integer) OWNER TO postgres;

--
-- Name: keep_best(integer, integer); Type: FUNCTION; Schema: shop; Owner: postgres
--

CREATE FUNCTION shop.keep_best(state integer, item integer) RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $_$SELECT greatest($1, $2)$_$;


ALTER FUNCTION shop.keep_best(state integer, item integer) OWNER TO postgres;

--
-- Name: many(text[]); Type: FUNCTION; Schema: shop; Owner: postgres
--

CREATE FUNCTION shop.many(VARIADIC things text[]) RETURNS SETOF text
    LANGUAGE sql ROWS 5
    AS $_$SELECT unnest($1)$_$;


ALTER FUNCTION shop.many(VARIADIC things text[]) OWNER TO postgres;

--
-- Name: nested(); Type: FUNCTION; Schema: shop; Owner: postgres
--

CREATE FUNCTION shop.nested() RETURNS text
    LANGUAGE plpgsql
    AS $_$
DECLARE
    answer text;
BEGIN
    -- an apostrophe isn't the end; nor is $$, nor this: \.
    EXECUTE $inner$ SELECT 'a;b' || $$c;d$$ $inner$ INTO answer;
    /* nor /* this */ ; */
    RETURN answer;
END;
$_$;


ALTER FUNCTION shop.nested() OWNER TO postgres;

--
-- Name: FUNCTION nested(); Type: COMMENT; Schema: shop; Owner: postgres
--

COMMENT ON FUNCTION shop.nested() IS '/* not a comment';


--
-- Name: one_expression(integer); Type: FUNCTION; Schema: shop; Owner: postgres
--

CREATE FUNCTION shop.one_expression(a integer) RETURNS integer
    LANGUAGE sql IMMUTABLE
    RETURN (a + 1);


ALTER FUNCTION shop.one_expression(a integer) OWNER TO postgres;

--
-- Name: one_line(); Type: FUNCTION; Schema: shop; Owner: postgres
--

CREATE FUNCTION shop.one_line() RETURNS text
    LANGUAGE sql
    AS $$SELECT E'it\'s; \\ fine'::text$$;


ALTER FUNCTION shop.one_line() OWNER TO postgres;

--
-- Name: plus(integer, integer); Type: FUNCTION; Schema: shop; Owner: postgres
--

CREATE FUNCTION shop.plus(a integer, b integer DEFAULT 1) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
 SELECT
         CASE
             WHEN (a > 0) THEN
             CASE b
                 WHEN 0 THEN a
                 ELSE (a + b)
             END
             ELSE b
         END AS b;
END;


ALTER FUNCTION shop.plus(a integer, b integer) OWNER TO postgres;

--
-- Name: same_end(shop.address, shop.address); Type: FUNCTION; Schema: shop; Owner: postgres
--

CREATE FUNCTION shop.same_end(a shop.address, b shop.address) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$SELECT (a)."end" = (b)."end"$$;


ALTER FUNCTION shop.same_end(a shop.address, b shop.address) OWNER TO postgres;

--
-- Name: touch(); Type: FUNCTION; Schema: shop; Owner: postgres
--

CREATE FUNCTION shop.touch() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN NEW."end" := CASE WHEN NEW."end" IS NULL THEN now()::date ELSE NEW."end" END; END IF;
    RETURN NEW;
END $$;


ALTER FUNCTION shop.touch() OWNER TO postgres;

--
-- Name: watch(); Type: FUNCTION; Schema: shop; Owner: postgres
--

CREATE FUNCTION shop.watch() RETURNS event_trigger
    LANGUAGE plpgsql
    AS $$ BEGIN PERFORM 1; END $$;


ALTER FUNCTION shop.watch() OWNER TO postgres;

--
-- Name: with_settings(); Type: FUNCTION; Schema: shop; Owner: postgres
--

CREATE FUNCTION shop.with_settings() RETURNS void
    LANGUAGE sql SECURITY DEFINER COST 12
    SET search_path TO 'shop', 'pg_temp'
    SET work_mem TO '4MB'
    AS $$SELECT$$;


ALTER FUNCTION shop.with_settings() OWNER TO postgres;

--
-- Name: log; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.log (
    id integer NOT NULL,
    line text
);


ALTER TABLE public.log OWNER TO postgres;

--
-- Name: users; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.users (
    id bigint NOT NULL,
    email text NOT NULL,
    feeling shop.mood DEFAULT 'it''s fine'::shop.mood,
    home shop.address,
    share shop.percentage,
    shout text GENERATED ALWAYS AS (upper(email)) STORED,
    "end" date DEFAULT '2025-01-01'::date,
    CONSTRAINT users_email_has_no_backslash CHECK ((email !~ '\\'::text))
);


ALTER TABLE public.users OWNER TO postgres;

--
-- Name: TABLE users; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.users IS 'first line
\.
\connect nowhere
-- third; it''s';


--
-- Name: COLUMN users.email; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON COLUMN public.users.email IS 'Grüße 🙂';


--
-- Name: COLUMN users."end"; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON COLUMN public.users."end" IS '$$';


--
-- Name: work(integer, boolean); Type: PROCEDURE; Schema: shop; Owner: postgres
--

CREATE PROCEDURE shop.work(IN n integer, INOUT done boolean DEFAULT false)
    LANGUAGE sql
    BEGIN ATOMIC
 INSERT INTO public.log (line)  SELECT (u."end")::text AS "end"
            FROM public.users u
           WHERE (u.id = work.n);
 UPDATE public.log SET line =
         CASE log.line
             WHEN 'x;'::text THEN 'y'::text
             ELSE NULL::text
         END
   WHERE (log.id = work.n);
 SELECT true;
END;


ALTER PROCEDURE shop.work(IN n integer, INOUT done boolean) OWNER TO postgres;

--
-- Name: best(integer); Type: AGGREGATE; Schema: shop; Owner: postgres
--

CREATE AGGREGATE shop.best(integer) (
    SFUNC = shop.keep_best,
    STYPE = integer,
    INITCOND = '0',
    PARALLEL = safe
);


ALTER AGGREGATE shop.best(integer) OWNER TO postgres;

--
-- Name: second_heap; Type: ACCESS METHOD; Schema: -; Owner: -
--

CREATE ACCESS METHOD second_heap TYPE TABLE HANDLER heap_tableam_handler;


--
-- Name: <->|; Type: OPERATOR; Schema: shop; Owner: postgres
--

CREATE OPERATOR shop.<->| (
    FUNCTION = shop.same_end,
    LEFTARG = shop.address,
    RIGHTARG = shop.address,
    COMMUTATOR = OPERATOR(shop.<->|)
);


ALTER OPERATOR shop.<->| (shop.address, shop.address) OWNER TO postgres;

--
-- Name: descending; Type: OPERATOR FAMILY; Schema: shop; Owner: postgres
--

CREATE OPERATOR FAMILY shop.descending USING btree;


ALTER OPERATOR FAMILY shop.descending USING btree OWNER TO postgres;

--
-- Name: descending; Type: OPERATOR CLASS; Schema: shop; Owner: postgres
--

CREATE OPERATOR CLASS shop.descending
    FOR TYPE integer USING btree FAMILY shop.descending AS
    OPERATOR 1 >(integer,integer) ,
    OPERATOR 2 >=(integer,integer) ,
    OPERATOR 3 =(integer,integer) ,
    OPERATOR 4 <=(integer,integer) ,
    OPERATOR 5 <(integer,integer) ,
    FUNCTION 1 (integer, integer) btint4cmp(integer,integer);


ALTER OPERATOR CLASS shop.descending USING btree OWNER TO postgres;

--
-- Name: to_latin; Type: CONVERSION; Schema: shop; Owner: postgres
--

CREATE CONVERSION shop.to_latin FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1;


ALTER CONVERSION shop.to_latin OWNER TO postgres;

--
-- Name: stems; Type: TEXT SEARCH DICTIONARY; Schema: shop; Owner: postgres
--

CREATE TEXT SEARCH DICTIONARY shop.stems (
    TEMPLATE = pg_catalog.snowball,
    language = 'english', stopwords = 'english' );


ALTER TEXT SEARCH DICTIONARY shop.stems OWNER TO postgres;

--
-- Name: search; Type: TEXT SEARCH CONFIGURATION; Schema: shop; Owner: postgres
--

CREATE TEXT SEARCH CONFIGURATION shop.search (
    PARSER = pg_catalog."default" );

ALTER TEXT SEARCH CONFIGURATION shop.search
    ADD MAPPING FOR asciiword WITH shop.stems, simple;

ALTER TEXT SEARCH CONFIGURATION shop.search
    ADD MAPPING FOR word WITH shop.stems, simple;

ALTER TEXT SEARCH CONFIGURATION shop.search
    ADD MAPPING FOR numword WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search
    ADD MAPPING FOR email WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search
    ADD MAPPING FOR url WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search
    ADD MAPPING FOR host WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search
    ADD MAPPING FOR sfloat WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search
    ADD MAPPING FOR version WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search
    ADD MAPPING FOR hword_numpart WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search
    ADD MAPPING FOR hword_part WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search
    ADD MAPPING FOR hword_asciipart WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search
    ADD MAPPING FOR numhword WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search
    ADD MAPPING FOR asciihword WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search
    ADD MAPPING FOR hword WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search
    ADD MAPPING FOR url_path WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search
    ADD MAPPING FOR file WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search
    ADD MAPPING FOR "float" WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search
    ADD MAPPING FOR "int" WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search
    ADD MAPPING FOR uint WITH simple;


ALTER TEXT SEARCH CONFIGURATION shop.search OWNER TO postgres;

--
-- Name: elsewhere; Type: FOREIGN DATA WRAPPER; Schema: -; Owner: postgres
--

CREATE FOREIGN DATA WRAPPER elsewhere OPTIONS (
    note E'it''s; \\ odd'
);


ALTER FOREIGN DATA WRAPPER elsewhere OWNER TO postgres;

--
-- Name: far; Type: SERVER; Schema: -; Owner: postgres
--

CREATE SERVER far TYPE 'x' VERSION '1;2' FOREIGN DATA WRAPPER elsewhere OPTIONS (
    host 'nowhere',
    port '1'
);


ALTER SERVER far OWNER TO postgres;

--
-- Name: USER MAPPING public SERVER far; Type: USER MAPPING; Schema: -; Owner: postgres
--

CREATE USER MAPPING FOR public SERVER far OPTIONS (
    "user" 'nobody'
);


--
-- Name: Table -- with 'quotes' $$; Type: TABLE; Schema: Odd; Name; Owner: postgres
--

CREATE UNLOGGED TABLE "Odd; Name"."Table -- with 'quotes' $$" (
    "column ""x""; -- y" integer DEFAULT 1,
    "/* c" text DEFAULT '/*'::text
);


ALTER TABLE "Odd; Name"."Table -- with 'quotes' $$" OWNER TO postgres;

--
-- Name: events; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.events (
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    payload json
)
PARTITION BY RANGE (at);


ALTER TABLE public.events OWNER TO postgres;

--
-- Name: events_2024; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.events_2024 (
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    payload json
);


ALTER TABLE public.events_2024 OWNER TO postgres;

--
-- Name: events_2025; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.events_2025 (
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    payload json
)
PARTITION BY LIST (kind);


ALTER TABLE public.events_2025 OWNER TO postgres;

--
-- Name: events_2025_a; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.events_2025_a (
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    payload json
);


ALTER TABLE public.events_2025_a OWNER TO postgres;

--
-- Name: events_2025_rest; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.events_2025_rest (
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    payload json
);


ALTER TABLE public.events_2025_rest OWNER TO postgres;

--
-- Name: identity_in_partitions; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.identity_in_partitions (
    id integer NOT NULL,
    k integer
)
PARTITION BY HASH (k);


ALTER TABLE public.identity_in_partitions OWNER TO postgres;

--
-- Name: identity_in_partitions_0; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.identity_in_partitions_0 (
    id integer NOT NULL,
    k integer
);


ALTER TABLE public.identity_in_partitions_0 OWNER TO postgres;

--
-- Name: identity_in_partitions_id_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

ALTER TABLE public.identity_in_partitions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.identity_in_partitions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: json_16; Type: VIEW; Schema: public; Owner: postgres
--

CREATE VIEW public.json_16 AS
 SELECT JSON_ARRAY(1, ';'::text RETURNING json) AS doc,
    ('{"end": 1}'::text IS JSON OBJECT) AS ok;


ALTER VIEW public.json_16 OWNER TO postgres;

--
-- Name: json_17; Type: VIEW; Schema: public; Owner: postgres
--

CREATE VIEW public.json_17 AS
 SELECT "end"
   FROM JSON_TABLE(
            '[{"a;": 1}]'::text, '$[*]' AS json_table_path_0
            COLUMNS (
                "end" integer PATH '$."a;"'
            )
        ) j;


ALTER VIEW public.json_17 OWNER TO postgres;

--
-- Name: log_id_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

ALTER TABLE public.log ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: newer_16; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.newer_16 (
    a text,
    b integer DEFAULT 31
);
ALTER TABLE ONLY public.newer_16 ALTER COLUMN a SET STORAGE EXTERNAL;


ALTER TABLE public.newer_16 OWNER TO postgres;

--
-- Name: nothing_in_here; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.nothing_in_here (
    id integer,
    "; DROP" text,
    "a""b" text
);


ALTER TABLE public.nothing_in_here OWNER TO postgres;

--
-- Name: safe; Type: VIEW; Schema: public; Owner: postgres
--

CREATE VIEW public.safe WITH (security_invoker='true') AS
 SELECT id
   FROM public.users;


ALTER VIEW public.safe OWNER TO postgres;

--
-- Name: texts; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.texts (
    id integer NOT NULL,
    body text COLLATE shop.plain,
    raw bytea,
    tags text[],
    doc jsonb,
    "order" xid8
);
ALTER TABLE ONLY public.texts ALTER COLUMN body SET STATISTICS 500;
ALTER TABLE ONLY public.texts ALTER COLUMN body SET STORAGE EXTERNAL;


ALTER TABLE public.texts OWNER TO postgres;

--
-- Name: users_id_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

ALTER TABLE public.users ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.users_id_seq
    START WITH 100
    INCREMENT BY 5
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: without_columns; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.without_columns (
);


ALTER TABLE public.without_columns OWNER TO postgres;

--
-- Name: numbers; Type: SEQUENCE; Schema: shop; Owner: postgres
--

CREATE SEQUENCE shop.numbers
    AS smallint
    START WITH 10
    INCREMENT BY -3
    MINVALUE -100
    MAXVALUE 100
    CACHE 5
    CYCLE;


ALTER SEQUENCE shop.numbers OWNER TO postgres;

--
-- Name: items; Type: TABLE; Schema: shop; Owner: postgres
--

CREATE TABLE shop.items (
    id integer NOT NULL,
    number integer DEFAULT nextval('shop.numbers'::regclass),
    price numeric,
    during tsrange,
    owner_id bigint,
    parent_id integer,
    words tsvector,
    CONSTRAINT items_price_check CHECK ((price > (0)::numeric)) NO INHERIT
);


ALTER TABLE shop.items OWNER TO postgres;

--
-- Name: book; Type: TABLE; Schema: shop; Owner: postgres
--

CREATE TABLE shop.book (
    pages integer,
    note text
)
INHERITS (shop.items);


ALTER TABLE shop.book OWNER TO postgres;

--
-- Name: busy; Type: VIEW; Schema: shop; Owner: postgres
--

CREATE VIEW shop.busy AS
 SELECT id,
    "end",
        CASE
            WHEN (email ~~ '%;%'::text) THEN 'x'::text
            ELSE 'it''s \'::text
        END AS "case;"
   FROM public.users u
  WHERE (feeling <> 'semi;colon'::shop.mood)
  WITH LOCAL CHECK OPTION;


ALTER VIEW shop.busy OWNER TO postgres;

--
-- Name: circular; Type: VIEW; Schema: shop; Owner: postgres
--

CREATE VIEW shop.circular AS
SELECT
    NULL::bigint AS id;


ALTER VIEW shop.circular OWNER TO postgres;

--
-- Name: far_away; Type: FOREIGN TABLE; Schema: shop; Owner: postgres
--

CREATE FOREIGN TABLE shop.far_away (
    id integer NOT NULL,
    name text
)
SERVER far
OPTIONS (
    t 'a;b'
);
ALTER FOREIGN TABLE ONLY shop.far_away ALTER COLUMN id OPTIONS (
    at '1'
);


ALTER FOREIGN TABLE shop.far_away OWNER TO postgres;

--
-- Name: items_id_seq; Type: SEQUENCE; Schema: shop; Owner: postgres
--

CREATE SEQUENCE shop.items_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER SEQUENCE shop.items_id_seq OWNER TO postgres;

--
-- Name: items_id_seq; Type: SEQUENCE OWNED BY; Schema: shop; Owner: postgres
--

ALTER SEQUENCE shop.items_id_seq OWNED BY shop.items.id;


--
-- Name: not_filled; Type: MATERIALIZED VIEW; Schema: shop; Owner: postgres
--

CREATE MATERIALIZED VIEW shop.not_filled AS
 SELECT 1 AS one
  WITH NO DATA;


ALTER MATERIALIZED VIEW shop.not_filled OWNER TO postgres;

SET default_table_access_method = second_heap;

--
-- Name: other_storage; Type: TABLE; Schema: shop; Owner: postgres
--

CREATE TABLE shop.other_storage (
    id integer
)
WITH (fillfactor='70');


ALTER TABLE shop.other_storage OWNER TO postgres;

SET default_table_access_method = heap;

--
-- Name: totals; Type: MATERIALIZED VIEW; Schema: shop; Owner: postgres
--

CREATE MATERIALIZED VIEW shop.totals AS
 SELECT owner_id,
    sum(price) AS "end"
   FROM shop.items
  GROUP BY owner_id
  WITH NO DATA;


ALTER MATERIALIZED VIEW shop.totals OWNER TO postgres;

--
-- Name: tree; Type: VIEW; Schema: shop; Owner: postgres
--

CREATE VIEW shop.tree AS
 WITH RECURSIVE tree(id, depth) AS (
         SELECT items.id,
            0 AS "?column?"
           FROM shop.items
          WHERE (items.parent_id IS NULL)
        UNION ALL
         SELECT i.id,
            (t.depth + 1)
           FROM (shop.items i
             JOIN tree t ON ((i.parent_id = t.id)))
        )
 SELECT id,
    depth
   FROM tree;


ALTER VIEW shop.tree OWNER TO postgres;

--
-- Name: events_2024; Type: TABLE ATTACH; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.events ATTACH PARTITION public.events_2024 FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2025-01-01 00:00:00+00');


--
-- Name: events_2025; Type: TABLE ATTACH; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.events ATTACH PARTITION public.events_2025 FOR VALUES FROM ('2025-01-01 00:00:00+00') TO (MAXVALUE);


--
-- Name: events_2025_a; Type: TABLE ATTACH; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.events_2025 ATTACH PARTITION public.events_2025_a FOR VALUES IN ('a;', 'it''s');


--
-- Name: events_2025_rest; Type: TABLE ATTACH; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.events_2025 ATTACH PARTITION public.events_2025_rest DEFAULT;


--
-- Name: identity_in_partitions_0; Type: TABLE ATTACH; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.identity_in_partitions ATTACH PARTITION public.identity_in_partitions_0 FOR VALUES WITH (modulus 1, remainder 0);


--
-- Name: book id; Type: DEFAULT; Schema: shop; Owner: postgres
--

ALTER TABLE ONLY shop.book ALTER COLUMN id SET DEFAULT nextval('shop.items_id_seq'::regclass);


--
-- Name: book number; Type: DEFAULT; Schema: shop; Owner: postgres
--

ALTER TABLE ONLY shop.book ALTER COLUMN number SET DEFAULT nextval('shop.numbers'::regclass);


--
-- Name: items id; Type: DEFAULT; Schema: shop; Owner: postgres
--

ALTER TABLE ONLY shop.items ALTER COLUMN id SET DEFAULT nextval('shop.items_id_seq'::regclass);


--
-- Data for Name: Table -- with 'quotes' $$; Type: TABLE DATA; Schema: Odd; Name; Owner: postgres
--

COPY "Odd; Name"."Table -- with 'quotes' $$" ("column ""x""; -- y", "/* c") FROM stdin;
1	/* a
2	*/\\
\.


--
-- Data for Name: events_2024; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.events_2024 (at, kind, payload) FROM stdin;
2024-05-01 12:00:00+00	a;	{"a":1}
\.


--
-- Data for Name: events_2025_a; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.events_2025_a (at, kind, payload) FROM stdin;
2025-05-01 12:00:00+00	a;	\N
\.


--
-- Data for Name: events_2025_rest; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.events_2025_rest (at, kind, payload) FROM stdin;
2026-01-01 00:00:00+00	z	[1, 2]
\.


--
-- Data for Name: identity_in_partitions_0; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.identity_in_partitions_0 (id, k) FROM stdin;
1	5
2	6
\.


--
-- Data for Name: log; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.log (id, line) FROM stdin;
\.


--
-- Data for Name: newer_15; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.newer_15 (a, b) FROM stdin;
1	\N
\N	2
\.


--
-- Data for Name: newer_16; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.newer_16 (a, b) FROM stdin;
\.


--
-- Data for Name: nothing_in_here; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.nothing_in_here (id, "; DROP", "a""b") FROM stdin;
\.


--
-- Data for Name: texts; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.texts (id, body, raw, tags, doc, "order") FROM stdin;
1	tab\tnewline\nbackspace\bfeed\fvertical\vback\\slash	\\x00ff5c2e0a	{"a,b","c\\"d","e\\\\f",NULL,"{}"}	{"a": "b\\\\c\\n"}	\N
2	\\.	\\x5c2e	{}	[]	\N
3	\\.\n\\.\n\\q	\\x5c2e	{"\\\\."}	"\\\\."	\N
4		\\x	{""}	null	\N
5	\N	\N	\N	\N	\N
6	\\N	\N	{"NULL",NULL}	{"text": "\\\\N"}	\N
7	--; /* no comment \n$$ no quote\n'; DROP TABLE users; --	\N	\N	\N	\N
8	Grüße, 世界 🙂 é  ﻿|	\N	\N	{"🙂": "é"}	\N
9	\\connect other\n\\! ls\nBEGIN;\nCOMMIT;\nCOPY users FROM stdin;	\N	\N	\N	\N
10	long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; long \\ line; 	\\x5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a5c2e0a	\N	\N	\N
11	%s %(name)s :name :'name' ${HOME} {{ x }} ?	\N	\N	\N	\N
\.


--
-- Data for Name: users; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.users (id, email, feeling, home, share, "end") FROM stdin;
100	ann@example.org	happy	("1; Main St","a\\\\b",X)	12.50	\N
105	bob@example.org	\\.	\N	0.00	2025-02-03
110	jürgen@example.org	🙂	("",,"""q""")	99.99	0044-03-15 BC
115	o'hara@example.org	\N	("tab\there","new\nline",",")	50.00	infinity
\.


--
-- Data for Name: without_columns; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.without_columns  FROM stdin;

\.


--
-- Data for Name: book; Type: TABLE DATA; Schema: shop; Owner: postgres
--

COPY shop.book (id, number, price, during, owner_id, parent_id, words, pages, note) FROM stdin;
3	1	3	\N	\N	\N	\N	200	a\\nb
\.


--
-- Data for Name: items; Type: TABLE DATA; Schema: shop; Owner: postgres
--

COPY shop.items (id, number, price, during, owner_id, parent_id, words) FROM stdin;
1	7	1.50	["2025-01-01 00:00:00","2025-02-01 00:00:00")	100	2	'cat':2 'run':1
2	4	2	\N	\N	\N	\N
\.


--
-- Data for Name: other_storage; Type: TABLE DATA; Schema: shop; Owner: postgres
--

COPY shop.other_storage (id) FROM stdin;
7
\.


--
-- Name: identity_in_partitions_id_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.identity_in_partitions_id_seq', 2, true);


--
-- Name: log_id_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.log_id_seq', 1, false);


--
-- Name: users_id_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.users_id_seq', 115, true);


--
-- Name: items_id_seq; Type: SEQUENCE SET; Schema: shop; Owner: postgres
--

SELECT pg_catalog.setval('shop.items_id_seq', 3, true);


--
-- Name: numbers; Type: SEQUENCE SET; Schema: shop; Owner: postgres
--

SELECT pg_catalog.setval('shop.numbers', -2, true);


--
-- Name: newer_15 newer_15_a_key; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.newer_15
    ADD CONSTRAINT newer_15_a_key UNIQUE NULLS NOT DISTINCT (a);


--
-- Name: texts texts_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.texts
    ADD CONSTRAINT texts_pkey PRIMARY KEY (id);


--
-- Name: users users_email_key; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_email_key UNIQUE (email);

ALTER TABLE ONLY public.users REPLICA IDENTITY USING INDEX users_email_key;


--
-- Name: users users_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);


--
-- Name: items items_during_excl; Type: CONSTRAINT; Schema: shop; Owner: postgres
--

ALTER TABLE ONLY shop.items
    ADD CONSTRAINT items_during_excl EXCLUDE USING gist (during WITH &&);


--
-- Name: items items_number_small; Type: CHECK CONSTRAINT; Schema: shop; Owner: postgres
--

ALTER TABLE shop.items
    ADD CONSTRAINT items_number_small CHECK ((number < 1000)) NOT VALID;


--
-- Name: items items_pkey; Type: CONSTRAINT; Schema: shop; Owner: postgres
--

ALTER TABLE ONLY shop.items
    ADD CONSTRAINT items_pkey PRIMARY KEY (id);


--
-- Name: events_kind_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX events_kind_idx ON ONLY public.events USING btree (kind, at DESC NULLS LAST) INCLUDE (at);


--
-- Name: events_2024_kind_at_at1_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX events_2024_kind_at_at1_idx ON public.events_2024 USING btree (kind, at DESC NULLS LAST) INCLUDE (at);


--
-- Name: events_2025_kind_at_at1_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX events_2025_kind_at_at1_idx ON ONLY public.events_2025 USING btree (kind, at DESC NULLS LAST) INCLUDE (at);


--
-- Name: events_2025_a_kind_at_at1_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX events_2025_a_kind_at_at1_idx ON public.events_2025_a USING btree (kind, at DESC NULLS LAST) INCLUDE (at);


--
-- Name: events_2025_rest_kind_at_at1_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX events_2025_rest_kind_at_at1_idx ON public.events_2025_rest USING btree (kind, at DESC NULLS LAST) INCLUDE (at);


--
-- Name: users_end_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX users_end_idx ON public.users USING btree ("end") WHERE (email <> 'x;y'::text);


--
-- Name: users_lower_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX users_lower_idx ON public.users USING btree (lower(email) text_pattern_ops);


--
-- Name: items_descending_idx; Type: INDEX; Schema: shop; Owner: postgres
--

CREATE UNIQUE INDEX items_descending_idx ON shop.items USING btree (id shop.descending);

ALTER TABLE shop.items CLUSTER ON items_descending_idx;


--
-- Name: totals_owner_idx; Type: INDEX; Schema: shop; Owner: postgres
--

CREATE UNIQUE INDEX totals_owner_idx ON shop.totals USING btree (owner_id);


--
-- Name: events_2024_kind_at_at1_idx; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.events_kind_idx ATTACH PARTITION public.events_2024_kind_at_at1_idx;


--
-- Name: events_2025_a_kind_at_at1_idx; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.events_2025_kind_at_at1_idx ATTACH PARTITION public.events_2025_a_kind_at_at1_idx;


--
-- Name: events_2025_kind_at_at1_idx; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.events_kind_idx ATTACH PARTITION public.events_2025_kind_at_at1_idx;


--
-- Name: events_2025_rest_kind_at_at1_idx; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.events_2025_kind_at_at1_idx ATTACH PARTITION public.events_2025_rest_kind_at_at1_idx;


--
-- Name: expression_stats; Type: STATISTICS; Schema: shop; Owner: postgres
--

CREATE STATISTICS shop.expression_stats ON (price * 2::numeric), (id + 1) FROM shop.items;


ALTER STATISTICS shop.expression_stats OWNER TO postgres;

--
-- Name: item_stats; Type: STATISTICS; Schema: shop; Owner: postgres
--

CREATE STATISTICS shop.item_stats (ndistinct, dependencies) ON number, price FROM shop.items;


ALTER STATISTICS shop.item_stats OWNER TO postgres;

--
-- Name: log keep; Type: RULE; Schema: public; Owner: postgres
--

CREATE RULE keep AS
    ON DELETE TO public.log DO INSTEAD NOTHING;


--
-- Name: nothing_in_here log_it; Type: RULE; Schema: public; Owner: postgres
--

CREATE RULE log_it AS
    ON INSERT TO public.nothing_in_here DO ( INSERT INTO public.log (line)
  VALUES ('a;b'::text);
 INSERT INTO public.log (line)
  VALUES (new."; DROP");
);


--
-- Name: circular _RETURN; Type: RULE; Schema: shop; Owner: postgres
--

CREATE OR REPLACE VIEW shop.circular AS
 SELECT id
   FROM public.users
  GROUP BY id
 HAVING (count(*) > 0)
  ORDER BY "end";


--
-- Name: users users_later; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE CONSTRAINT TRIGGER users_later AFTER INSERT ON public.users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shop.touch();

ALTER TABLE public.users DISABLE TRIGGER users_later;


--
-- Name: users users_touch; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER users_touch BEFORE UPDATE OF email ON public.users FOR EACH ROW WHEN ((old.email IS DISTINCT FROM new.email)) EXECUTE FUNCTION shop.touch('a;b', 'c\d', 'it''s');


--
-- Name: items items_owner_id_fkey; Type: FK CONSTRAINT; Schema: shop; Owner: postgres
--

ALTER TABLE ONLY shop.items
    ADD CONSTRAINT items_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES public.users(id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED;


--
-- Name: items items_parent_id_fkey; Type: FK CONSTRAINT; Schema: shop; Owner: postgres
--

ALTER TABLE ONLY shop.items
    ADD CONSTRAINT items_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES shop.items(id);


--
-- Name: users look; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY look ON public.users AS RESTRICTIVE FOR SELECT USING (true);


--
-- Name: users own; Type: POLICY; Schema: public; Owner: postgres
--

CREATE POLICY own ON public.users FOR UPDATE TO pg_monitor USING ((email = CURRENT_USER)) WITH CHECK ((email <> ';'''::text));


--
-- Name: users; Type: ROW SECURITY; Schema: public; Owner: postgres
--

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

--
-- Name: chosen; Type: PUBLICATION; Schema: -; Owner: postgres
--

CREATE PUBLICATION chosen WITH (publish = 'insert, update');


ALTER PUBLICATION chosen OWNER TO postgres;

--
-- Name: every; Type: PUBLICATION; Schema: -; Owner: postgres
--

CREATE PUBLICATION every FOR ALL TABLES WITH (publish = 'insert, update, delete, truncate');


ALTER PUBLICATION every OWNER TO postgres;

--
-- Name: filtered; Type: PUBLICATION; Schema: -; Owner: postgres
--

CREATE PUBLICATION filtered WITH (publish = 'insert, update, delete, truncate');


ALTER PUBLICATION filtered OWNER TO postgres;

--
-- Name: whole_schema; Type: PUBLICATION; Schema: -; Owner: postgres
--

CREATE PUBLICATION whole_schema WITH (publish = 'insert, update, delete, truncate');


ALTER PUBLICATION whole_schema OWNER TO postgres;

--
-- Name: filtered newer_15; Type: PUBLICATION TABLE; Schema: public; Owner: postgres
--

ALTER PUBLICATION filtered ADD TABLE ONLY public.newer_15 (a) WHERE ((a > 0));


--
-- Name: chosen users; Type: PUBLICATION TABLE; Schema: public; Owner: postgres
--

ALTER PUBLICATION chosen ADD TABLE ONLY public.users;


--
-- Name: chosen book; Type: PUBLICATION TABLE; Schema: shop; Owner: postgres
--

ALTER PUBLICATION chosen ADD TABLE ONLY shop.book;


--
-- Name: chosen items; Type: PUBLICATION TABLE; Schema: shop; Owner: postgres
--

ALTER PUBLICATION chosen ADD TABLE ONLY shop.items;


--
-- Name: whole_schema Odd; Name; Type: PUBLICATION TABLES IN SCHEMA; Schema: Odd; Name; Owner: postgres
--

ALTER PUBLICATION whole_schema ADD TABLES IN SCHEMA "Odd; Name";


--
-- Name: SCHEMA shop; Type: ACL; Schema: -; Owner: postgres
--

GRANT USAGE ON SCHEMA shop TO PUBLIC;
GRANT ALL ON SCHEMA shop TO pg_read_all_data WITH GRANT OPTION;


--
-- Name: TYPE mood; Type: ACL; Schema: shop; Owner: postgres
--

GRANT ALL ON TYPE shop.mood TO pg_monitor;


--
-- Name: FUNCTION to_text(shop.address); Type: ACL; Schema: shop; Owner: postgres
--

REVOKE ALL ON FUNCTION shop.to_text(shop.address) FROM PUBLIC;


--
-- Name: FUNCTION merged(n integer); Type: ACL; Schema: public; Owner: postgres
--

REVOKE ALL ON FUNCTION public.merged(n integer) FROM PUBLIC;


--
-- Name: FUNCTION merged_atomic(n integer); Type: ACL; Schema: public; Owner: postgres
--

REVOKE ALL ON FUNCTION public.merged_atomic(n integer) FROM PUBLIC;


--
-- Name: FUNCTION "Name; with $$"("in" integer, OUT "out;" integer); Type: ACL; Schema: shop; Owner: postgres
--

REVOKE ALL ON FUNCTION shop."Name; with $$"("in" integer, OUT "out;" integer) FROM PUBLIC;


--
-- Name: PROCEDURE commits(); Type: ACL; Schema: shop; Owner: postgres
--

REVOKE ALL ON PROCEDURE shop.commits() FROM PUBLIC;
GRANT ALL ON PROCEDURE shop.commits() TO pg_monitor;


--
-- Name: FUNCTION ends_in_a_dollar(); Type: ACL; Schema: shop; Owner: postgres
--

REVOKE ALL ON FUNCTION shop.ends_in_a_dollar() FROM PUBLIC;


--
-- Name: FUNCTION holds_two_dollars(); Type: ACL; Schema: shop; Owner: postgres
--

REVOKE ALL ON FUNCTION shop.holds_two_dollars() FROM PUBLIC;


--
-- Name: FUNCTION in_a_table(first integer); Type: ACL; Schema: shop; Owner: postgres
--

REVOKE ALL ON FUNCTION shop.in_a_table(first integer) FROM PUBLIC;


--
-- Name: FUNCTION keep_best(state integer, item integer); Type: ACL; Schema: shop; Owner: postgres
--

REVOKE ALL ON FUNCTION shop.keep_best(state integer, item integer) FROM PUBLIC;


--
-- Name: FUNCTION many(VARIADIC things text[]); Type: ACL; Schema: shop; Owner: postgres
--

REVOKE ALL ON FUNCTION shop.many(VARIADIC things text[]) FROM PUBLIC;


--
-- Name: FUNCTION nested(); Type: ACL; Schema: shop; Owner: postgres
--

REVOKE ALL ON FUNCTION shop.nested() FROM PUBLIC;


--
-- Name: FUNCTION one_expression(a integer); Type: ACL; Schema: shop; Owner: postgres
--

REVOKE ALL ON FUNCTION shop.one_expression(a integer) FROM PUBLIC;


--
-- Name: FUNCTION one_line(); Type: ACL; Schema: shop; Owner: postgres
--

REVOKE ALL ON FUNCTION shop.one_line() FROM PUBLIC;


--
-- Name: FUNCTION plus(a integer, b integer); Type: ACL; Schema: shop; Owner: postgres
--

REVOKE ALL ON FUNCTION shop.plus(a integer, b integer) FROM PUBLIC;


--
-- Name: FUNCTION same_end(a shop.address, b shop.address); Type: ACL; Schema: shop; Owner: postgres
--

REVOKE ALL ON FUNCTION shop.same_end(a shop.address, b shop.address) FROM PUBLIC;


--
-- Name: FUNCTION touch(); Type: ACL; Schema: shop; Owner: postgres
--

REVOKE ALL ON FUNCTION shop.touch() FROM PUBLIC;


--
-- Name: FUNCTION watch(); Type: ACL; Schema: shop; Owner: postgres
--

REVOKE ALL ON FUNCTION shop.watch() FROM PUBLIC;


--
-- Name: FUNCTION with_settings(); Type: ACL; Schema: shop; Owner: postgres
--

REVOKE ALL ON FUNCTION shop.with_settings() FROM PUBLIC;


--
-- Name: TABLE log; Type: ACL; Schema: public; Owner: postgres
--

REVOKE ALL ON TABLE public.log FROM postgres;


--
-- Name: COLUMN users.id; Type: ACL; Schema: public; Owner: postgres
--

GRANT SELECT(id) ON TABLE public.users TO pg_monitor;


--
-- Name: COLUMN users.email; Type: ACL; Schema: public; Owner: postgres
--

GRANT SELECT(email) ON TABLE public.users TO pg_monitor;


--
-- Name: COLUMN users."end"; Type: ACL; Schema: public; Owner: postgres
--

GRANT UPDATE("end") ON TABLE public.users TO pg_monitor;


--
-- Name: PROCEDURE work(IN n integer, INOUT done boolean); Type: ACL; Schema: shop; Owner: postgres
--

REVOKE ALL ON PROCEDURE shop.work(IN n integer, INOUT done boolean) FROM PUBLIC;


--
-- Name: FUNCTION best(integer); Type: ACL; Schema: shop; Owner: postgres
--

REVOKE ALL ON FUNCTION shop.best(integer) FROM PUBLIC;


--
-- Name: FOREIGN SERVER far; Type: ACL; Schema: -; Owner: postgres
--

GRANT ALL ON FOREIGN SERVER far TO pg_monitor;


--
-- Name: TABLE texts; Type: ACL; Schema: public; Owner: postgres
--

GRANT ALL ON TABLE public.texts TO PUBLIC;


--
-- Name: SEQUENCE numbers; Type: ACL; Schema: shop; Owner: postgres
--

GRANT USAGE ON SEQUENCE shop.numbers TO pg_monitor WITH GRANT OPTION;


--
-- Name: TABLE items; Type: ACL; Schema: shop; Owner: postgres
--

GRANT SELECT ON TABLE shop.items TO pg_read_all_data;


--
-- Name: TABLE book; Type: ACL; Schema: shop; Owner: postgres
--

GRANT SELECT ON TABLE shop.book TO pg_read_all_data;


--
-- Name: TABLE busy; Type: ACL; Schema: shop; Owner: postgres
--

GRANT SELECT ON TABLE shop.busy TO pg_read_all_data;


--
-- Name: TABLE circular; Type: ACL; Schema: shop; Owner: postgres
--

GRANT SELECT ON TABLE shop.circular TO pg_read_all_data;


--
-- Name: TABLE far_away; Type: ACL; Schema: shop; Owner: postgres
--

GRANT SELECT ON TABLE shop.far_away TO pg_read_all_data;


--
-- Name: TABLE not_filled; Type: ACL; Schema: shop; Owner: postgres
--

GRANT SELECT ON TABLE shop.not_filled TO pg_read_all_data;


--
-- Name: TABLE other_storage; Type: ACL; Schema: shop; Owner: postgres
--

GRANT SELECT ON TABLE shop.other_storage TO pg_read_all_data;


--
-- Name: TABLE totals; Type: ACL; Schema: shop; Owner: postgres
--

GRANT SELECT ON TABLE shop.totals TO pg_read_all_data;


--
-- Name: TABLE tree; Type: ACL; Schema: shop; Owner: postgres
--

GRANT SELECT ON TABLE shop.tree TO pg_read_all_data;


--
-- Name: DEFAULT PRIVILEGES FOR TABLES; Type: DEFAULT ACL; Schema: shop; Owner: postgres
--

ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA shop GRANT SELECT ON TABLES TO pg_read_all_data;


--
-- Name: DEFAULT PRIVILEGES FOR FUNCTIONS; Type: DEFAULT ACL; Schema: -; Owner: postgres
--

ALTER DEFAULT PRIVILEGES FOR ROLE postgres REVOKE ALL ON FUNCTIONS FROM PUBLIC;


--
-- Name: watch_ddl; Type: EVENT TRIGGER; Schema: -; Owner: postgres
--

CREATE EVENT TRIGGER watch_ddl ON ddl_command_end
         WHEN TAG IN ('CREATE SEQUENCE', 'DROP SEQUENCE')
   EXECUTE FUNCTION shop.watch();


ALTER EVENT TRIGGER watch_ddl OWNER TO postgres;

--
-- Name: totals; Type: MATERIALIZED VIEW DATA; Schema: shop; Owner: postgres
--

REFRESH MATERIALIZED VIEW shop.totals;


--
-- PostgreSQL database dump complete
--

\unrestrict jVHPFbT6MWSGAUul071dGPBknphKxicY75Np69IOuiI3xeAwQQgKzmLH6aC7ULc

