-- statements: 4
CREATE TABLE documents (id INTEGER, body TEXT CHECK (json_valid(body)));
INSERT INTO documents VALUES (1, '{"a": "it''s; fine", "b": [1, ";"]}'), (2, json_object('q', '"quoted;"')), (3, '["--", "/*"]');
CREATE TABLE found AS
    SELECT id, body ->> '$.a' AS a, body -> '$.b[1]' AS b, json_extract(body, '$.q') AS q,
        row_number() OVER w AS n, sum(id) FILTER (WHERE body <> ';') OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s
    FROM documents WINDOW w AS (PARTITION BY body LIKE '%;%' ORDER BY id DESC) ORDER BY id;
UPDATE documents SET body = json_set(body, '$.a', ';') WHERE id = 2;
