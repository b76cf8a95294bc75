-- statements: 5
CREATE FUNCTION twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN n * 2;
CREATE FUNCTION sign_of(n integer) RETURNS text RETURN CASE WHEN n < 0 THEN 'minus;' WHEN n > 0 THEN 'plus;' ELSE 'END;' END;
CREATE FUNCTION wrapped(n integer) RETURNS text LANGUAGE sql RETURN (SELECT ';' || (n)::text || CASE WHEN n = 1 THEN '''' END);
CREATE TABLE returned AS SELECT n, twice(n), sign_of(n), wrapped(n) FROM generate_series(-1, 1) AS n;
ALTER FUNCTION sign_of(integer) RENAME TO "sign;";
