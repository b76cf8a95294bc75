-- statements: 7
CREATE TEMP TABLE staging (id integer, said text) ON COMMIT DROP;
INSERT INTO staging VALUES (1, 'a;b'), (2, '--');
COPY staging FROM stdin;
3	c;d
\.
CREATE TEMPORARY VIEW staged AS SELECT id, said || ';' AS said FROM staging;
SELECT * INTO kept FROM staged WHERE id <> 2 ORDER BY id;
CREATE TABLE kept_too AS (SELECT said FROM pg_temp.staging ORDER BY id DESC) WITH DATA;
DROP TABLE pg_temp.staging CASCADE;
