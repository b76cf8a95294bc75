-- statements: 5
CREATE TABLE counters (name TEXT PRIMARY KEY, n INTEGER DEFAULT 1, said TEXT) WITHOUT ROWID;
INSERT INTO counters (name) VALUES ('a;'), ('b') ON CONFLICT DO NOTHING;
INSERT INTO counters AS c (name, said) VALUES ('a;', 'new;') ON CONFLICT (name) DO UPDATE SET n = c.n + 1, said = excluded.said || ';--' WHERE c.name <> ';';
INSERT OR REPLACE INTO counters VALUES ('b', 5, 'replaced;') RETURNING name || ';';
UPDATE counters SET (n, said) = (SELECT 7, 'r;ow') WHERE name = 'b' AND said IS NOT ';';
