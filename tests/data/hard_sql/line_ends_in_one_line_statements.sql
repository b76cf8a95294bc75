-- statements: 3
CREATE TABLE one_liners (id integer, said text);-- c;
INSERT INTO one_liners VALUES (1, ';'), /* two
lines; */ (2, $$;$$);
COPY one_liners FROM stdin;
3	c;d
4	\N
\.
