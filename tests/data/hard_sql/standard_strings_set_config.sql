-- statements: 5
CREATE TABLE configured (id integer, said text);
SELECT pg_catalog.set_config('standard_conforming_strings', 'off', true);
INSERT INTO configured VALUES (1, 'off; by \'set_config\'');
SELECT pg_catalog.set_config('standard_conforming_strings', 'on', true);
INSERT INTO configured VALUES (2, 'on; by set_config\');
