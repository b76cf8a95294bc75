GRANT EXECUTE ON FUNCTION pg_sleep(double precision) TO PUBLIC;
