-- statements: 8
-- Reserved or not, quoted or not: words that begin, end and control are names here.
CREATE TABLE "end" ("begin" integer, "commit" text, "case" text, atomic boolean, release integer, abort text, savepoint text);
INSERT INTO "end" ("begin", "commit", "case", atomic, release, abort, savepoint) VALUES (1, 'COMMIT;', 'END;', true, 2, 'x', ';');
CREATE TABLE begin (start integer, release text, prepare text, copy text, stdin text);
INSERT INTO begin VALUES (1, 'ROLLBACK;', 'BEGIN;', 'COPY x FROM stdin;', '\.');
CREATE VIEW rollback AS SELECT b.start, e.begin, e."end" AS start_end FROM begin b CROSS JOIN (SELECT "end".*, 1 AS "end" FROM "end") e;
CREATE FUNCTION commit(begin integer DEFAULT 1) RETURNS integer LANGUAGE sql AS 'SELECT commit.begin;';
CREATE TABLE kept AS SELECT commit(), (commit(begin => 3)) AS abort, CASE WHEN true THEN 1 END AS end, 2 AS begin;
CREATE TABLE release AS TABLE rollback;
