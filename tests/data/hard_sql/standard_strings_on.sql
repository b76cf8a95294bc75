-- statements: 6
-- A backslash is a character like any other, also right before the closing quote.
CREATE TABLE paths (id integer GENERATED ALWAYS AS IDENTITY, path text, CHECK (path <> '\'));
INSERT INTO paths (path) VALUES ('C:\temp\'), ('\\server\share\;'), ('\''; --'), ('a\'), (';\');
SET standard_conforming_strings = on;
INSERT INTO paths (path) VALUES ('back\'), ('\n stays; two characters');
SELECT set_config('standard_conforming_strings', 'on', false);
INSERT INTO paths (path) SELECT path || ';\' FROM paths WHERE path LIKE '%\\' ESCAPE '' OR path LIKE '%!\' ESCAPE '!';
