-- statements: 3
CREATE TABLE sheets (id integer, said text, more text);
COPY sheets (id, said, more) FROM stdin WITH (FORMAT csv);
1,"a;b, c",plain
2,"two
lines; -- here",'single'
3,"say ""hi;""",\N
4,,""
5,$$,"COPY sheets FROM stdin;
DROP TABLE sheets;
"
6, \. ,"/* "
7,back\slash,\\.
\.
INSERT INTO sheets VALUES (8, ';', '"');
