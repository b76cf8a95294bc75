-- statements: 3
CREATE TABLE copied (id integer, said text, more text);
COPY copied FROM stdin;
1	a;b	-- not a comment
2	it's	"quoted"
3	$$	$tag$ /* */
4	\N	\\N
5	tab\there	line\nbreak
6	back\\slash	\\.
7	\x41\101\
b	\;
8		 spaces 
9	COPY copied FROM stdin;	COMMIT;
10	E'\\'	\\restrict x
\.
INSERT INTO copied VALUES (11, 'after;', E'\\.');
