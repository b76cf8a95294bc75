-- statements: 4
CREATE TABLE escaped (id integer PRIMARY KEY, said text);
INSERT INTO escaped VALUES
    (1, E'it\'s; fine'), (2, e'\\'), (3, E'a\\\'; b'), (4, E'a''\'; c'), (5, E'\x41\101\u00e9\U0001F600; \t'),
    (6, E'line\nline;
next'), (7, E''), (8, E'\\\\'), (9, E'--\' not a comment'), (10, E'/* \'; */');
CREATE FUNCTION escaped_body() RETURNS text LANGUAGE sql AS E'SELECT \'a;b\\\\\'::text; -- it\'s\n';
INSERT INTO escaped VALUES (11, escaped_body()), (12, 'a'||E'\';'||'b\');
