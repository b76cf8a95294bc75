-- statements: 5
CREATE TABLE parts (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parts, name TEXT);
INSERT INTO parts VALUES (1, NULL, 'car;'), (2, 1, 'wheel'), (3, 2, 'it''s; tyre');
CREATE VIEW paths ("pa;th", level) AS
    WITH RECURSIVE p(id, path, level) AS (
        SELECT id, name, 0 FROM parts WHERE parent IS NULL
        UNION ALL SELECT c.id, p.path || ';' || c.name, p.level + 1 FROM parts AS c JOIN p ON c.parent = p.id
    ) SELECT path, CASE level WHEN 0 THEN 'END;' ELSE level END FROM p;
CREATE TABLE flat AS SELECT "pa;th" AS "a;b", level FROM paths;
WITH gone(id) AS (VALUES (3), (4)) DELETE FROM parts WHERE id IN (SELECT id FROM gone) AND name LIKE '%;%';
