-- finds: schema app: privileges as built in  →  (pg_monitor=U/postgres, postgres=UC/postgres)
GRANT USAGE ON SCHEMA app TO pg_monitor;
