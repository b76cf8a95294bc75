-- statements: 5
CREATE TABLE documents (id integer PRIMARY KEY, body jsonb NOT NULL, raw json);
INSERT INTO documents VALUES
    (1, '{"a": "it''s; fine", "b": "\"quoted;\"", "c": "\\", "d": "{{ x }}", "e": [1, {"f": "-- no"}]}', '{"x":";"}'),
    (2, $j${"sql": "SELECT ';'; -- $$", "path": "C:\\dir\\"}$j$, $${ "keeps":   "its  space;" }$$),
    (3, E'{"u": "\\u00e9;", "q": "\\""}', '["''", "/*"]');
CREATE INDEX documents_body ON documents USING gin (body jsonb_path_ops);
CREATE TABLE found AS
    SELECT id, body #>> '{e,1,f}' AS f, body->>'a' AS a, body @> '{"c": "\\"}' AS c, body ? 'sql' AS has, body @? '$.e[*] ? (@ > 0)' AS many
    FROM documents;
UPDATE documents SET body = jsonb_set(body #- '{e,1}', '{a}', '";"') || '{"z": null}' WHERE body ?| ARRAY['a;', 'a'] AND body ?& '{a,b}';
