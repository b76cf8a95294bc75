-- statements: 4
-- A dollar continues an identifier, so none of these opens a literal.
CREATE TABLE price$usd (id$ integer, a$$b text, c$tag$ text, _$ integer DEFAULT 1);
INSERT INTO price$usd (id$, a$$b, c$tag$) VALUES (1, 'x;', 'c$tag$'), (2, $$y;$$, '$$');
CREATE VIEW v$1$ AS SELECT a$$b||c$tag$ AS both$$, id$+1 AS next$ FROM price$usd;
CREATE FUNCTION f$x$(a$ text) RETURNS text LANGUAGE sql AS $$SELECT a$||';'$$;
