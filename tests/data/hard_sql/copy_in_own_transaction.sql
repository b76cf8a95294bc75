-- statements: 6
-- written by hand; it begins and commits itself
BEGIN;
CREATE TABLE owned (id integer PRIMARY KEY, said text);
COPY owned FROM stdin;
1	BEGIN;
2	COMMIT;
\.
SAVEPOINT half;
INSERT INTO owned VALUES (3, 'COMMIT; --');
COMMIT;
-- done; really
