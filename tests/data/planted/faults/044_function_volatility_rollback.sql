ALTER FUNCTION twice(integer) STABLE;
