-- statements: 7
CREATE TYPE money_of AS (amount integer, unit text);
CREATE FUNCTION joined(so_far text, next text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT so_far || ';' || next $$;
CREATE AGGREGATE joined_all(text) (SFUNC = joined, STYPE = text, INITCOND = 'it''s;', PARALLEL = SAFE);
CREATE FUNCTION shown(m money_of) RETURNS text LANGUAGE sql IMMUTABLE RETURN m.amount || m.unit || ';';
CREATE CAST (money_of AS text) WITH FUNCTION shown(money_of) AS ASSIGNMENT;
CREATE TABLE shown_all (said text);
INSERT INTO shown_all SELECT joined_all(x) FROM (VALUES ('a;'), ('b')) AS v(x) UNION ALL SELECT CAST(ROW(5, ';EUR')::money_of AS text);
