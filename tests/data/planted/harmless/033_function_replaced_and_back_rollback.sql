CREATE OR REPLACE FUNCTION greet(name text) RETURNS text IMMUTABLE LANGUAGE sql AS ' SELECT ''Hello '' || name ';
