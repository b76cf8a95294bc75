-- Carriage returns inside what pg_dump quotes: a function written on Windows, a comment, and rows.

SELECT E'\r\n' AS crlf, E'\r' AS cr \gset
SELECT format('CREATE FUNCTION two_lines() RETURNS text LANGUAGE sql AS %L', 'SELECT ''a' || :'crlf' || 'b''' || :'crlf') \gexec
SELECT format('COMMENT ON FUNCTION two_lines() IS %L', 'first' || :'crlf' || 'second' || :'cr' || 'third') \gexec
CREATE TABLE texts (id integer PRIMARY KEY, body text, letter text DEFAULT :'cr');
INSERT INTO texts (id, body) VALUES
    (1, E'windows\r\nline ends\r\n'), (2, E'a lone \r return'), (3, E'unix\nline ends\n'), (4, E'all \r\n\r \n\r\n of them'),
    (5, 'other ends of lines:' || chr(11) || chr(12) || chr(28) || chr(133) || chr(8232) || chr(8233) || '.');
