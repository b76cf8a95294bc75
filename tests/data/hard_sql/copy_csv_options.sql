-- statements: 6
CREATE TABLE options (id integer, said text, more text DEFAULT 'm;');
COPY options FROM STDIN (FORMAT 'csv', HEADER, DELIMITER ';', QUOTE '''', ESCAPE '\', NULL 'nil');
id;said;more
0;'it\'s; --';nil
1;'two
lines';"
\.
COPY options FROM stdin WITH CSV HEADER DELIMITER AS '|' QUOTE AS '$' NULL AS '--' FORCE NOT NULL more;
id|said|more;
2|$a|b;$|--
3|--|$$
\.
COPY options (more, id) FROM stdin DELIMITERS E'\t' WITH NULL AS ';';
x;	4
;	5
\.
COPY public.options(id, said)
FROM
stdin
WITH (
    FORMAT text, -- the ";" below is data
    DELIMITER ';',
    NULL 'n/a'
);
6;six
7;n/a
8;a\;b
\.
INSERT INTO options (id) VALUES (9);
