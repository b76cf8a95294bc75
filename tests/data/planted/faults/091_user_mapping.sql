-- finds: user mapping pg_monitor on near is missing
DROP USER MAPPING FOR pg_monitor SERVER near;
