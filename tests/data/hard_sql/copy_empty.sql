-- statements: 5
CREATE TABLE hollow (id integer, said text);
COPY hollow FROM stdin;
\.
COPY hollow (said) FROM stdin;


\.
COPY hollow FROM stdin WITH (FORMAT csv, HEADER);
id,said
\.
INSERT INTO hollow VALUES (1, 'full;');
