-- statements: 2
CREATE TABLE finals (id integer, said text);
COPY finals FROM stdin;
1	the last line; has no end
\.