-- statements: 6
PRAGMA user_version = 7;
CREATE TABLE results (id INTEGER, said TEXT);
SELECT 'a;b', "id" FROM results; VALUES (1), (2);
INSERT INTO results SELECT value, 'row;' || value FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 300) SELECT value FROM n) RETURNING id;
EXPLAIN QUERY PLAN SELECT * FROM results WHERE said = ';';
