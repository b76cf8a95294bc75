-- finds: privileges column rolname of table pg_authid was not there before
GRANT SELECT (rolname) ON pg_authid TO pg_monitor;
