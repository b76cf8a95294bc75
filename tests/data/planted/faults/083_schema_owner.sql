-- finds: schema other: owner postgres  →  pg_monitor
ALTER SCHEMA other OWNER TO pg_monitor;
