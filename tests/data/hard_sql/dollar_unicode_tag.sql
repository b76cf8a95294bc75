-- statements: 3
CREATE FUNCTION summer() RETURNS text LANGUAGE sql AS $été$ SELECT 'l''été; fini $ete$'::text; $été$;
CREATE FUNCTION season() RETURNS text LANGUAGE sql AS $季節$ SELECT $q$夏;$q$ || ' $季$ '; $季節$;
CREATE TABLE seasons AS SELECT summer() AS summer, season() AS season;
