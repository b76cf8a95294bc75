--
-- PostgreSQL database dump
--

\restrict aB3

SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);

CREATE TABLE public.posts (
    id bigint NOT NULL,
    body text,
    "order" integer
);

--
-- Data for Name: posts; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.posts (id, body, "order") VALUES (1, 'line one;
line two -- it''s
\unrestrict aB3
\.
', NULL);
INSERT INTO public.posts (id, body, "order") VALUES (2, '\', 2);
INSERT INTO public.posts (id, body, "order") VALUES (3, E'tab\t;', 3);

\unrestrict aB3
