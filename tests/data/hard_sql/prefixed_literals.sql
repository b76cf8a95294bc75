-- statements: 4
CREATE TABLE literals (id integer, value text);
INSERT INTO literals VALUES (1, text'a;b'), (2, varchar'--'), (3, "char"'x'), (4, pg_catalog.text $$;$$), (5, name 'n;');
INSERT INTO literals VALUES (6, 'x;y'::text), (7, CAST('a--b' AS varchar(10))), (8, ('{"a;",b,"c,''d"}'::text[])[1]);
INSERT INTO literals SELECT 9, 'x'::text||';'::varchar||';--'::"char"::text||(ARRAY['a;','b']::text[])[1:1]::text;
