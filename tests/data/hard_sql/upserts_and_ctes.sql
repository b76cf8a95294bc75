-- statements: 6
CREATE TABLE counters (name text PRIMARY KEY, n integer DEFAULT 1, said text);
INSERT INTO counters (name) VALUES ('a;'), ('b') ON CONFLICT DO NOTHING RETURNING name || ';';
INSERT INTO counters AS c (name, said) VALUES ('a;', 'new;') ON CONFLICT (name) DO UPDATE SET n = c.n + 1, said = EXCLUDED.said || ';--' WHERE c.name <> ';';
WITH RECURSIVE tree(n, path) AS (
    SELECT 1, 'root;' UNION ALL SELECT n + 1, path || n || CASE WHEN n = 2 THEN ';END' ELSE ';' END FROM tree WHERE n < 4
), gone AS (DELETE FROM counters WHERE name = 'b' RETURNING name)
INSERT INTO counters (name, n, said) SELECT coalesce(g.name, '') || t.n, t.n, t.path FROM tree t CROSS JOIN gone g;
WITH moved AS MATERIALIZED (UPDATE counters SET n = n * 10 WHERE said ~ ';$' RETURNING *) SELECT count(*), ';' FROM moved;
CREATE TABLE walked AS WITH RECURSIVE w(id, next) AS (
    SELECT 1, 2 UNION ALL SELECT next, next % 3 + 1 FROM w
) SEARCH DEPTH FIRST BY id SET "order;" CYCLE id SET seen TO 'y;' DEFAULT 'n;' USING way SELECT id, next, seen FROM w ORDER BY "order;";
