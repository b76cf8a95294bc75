-- statements: 10
CREATE TABLE first (id integer, said text);
CREATE TABLE second (id integer, said text);
COPY first FROM stdin;
1	one;
2	two
\.

-- between; two
COPY second FROM STDIN;
1	eins
\.
COPY first FROM stdin; -- the rows follow; really
3	three
\.
UPDATE first SET said = said || ';' WHERE id = 3;
copy second from stdin csv;
2,"zwei;"
\.
COPY first FROM stdin WHERE id > 4;
4	never;
5	five
\.
INSERT INTO second VALUES (3, 'drei');COPY first FROM stdin;
6	six
\.
