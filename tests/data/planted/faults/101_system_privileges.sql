-- finds: privileges function pg_sleep(double precision) was not there before
REVOKE EXECUTE ON FUNCTION pg_sleep(double precision) FROM PUBLIC;
