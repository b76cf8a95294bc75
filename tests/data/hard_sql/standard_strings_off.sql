-- statements: 10
CREATE TABLE escapes (id integer, said text);
INSERT INTO escapes VALUES (1, 'plain \'), (2, 'on; \n');
SET standard_conforming_strings = off;
INSERT INTO escapes VALUES (3, 'it\'s; -- off'), (4, 'tab\there'), (5, 'back\\');
INSERT INTO escapes VALUES (6, 'two\'; INSERT INTO escapes VALUES (7, \'no;');
CREATE FUNCTION old_style() RETURNS text LANGUAGE sql AS 'SELECT \'a;b\'::text;';
SET standard_conforming_strings TO on;
INSERT INTO escapes VALUES (8, 'on again \'), (9, ';\');
INSERT INTO escapes SELECT 10, old_style();
RESET standard_conforming_strings;
