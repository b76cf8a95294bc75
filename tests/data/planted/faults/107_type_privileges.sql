-- finds: privileges type money was not there before
GRANT USAGE ON TYPE money TO pg_monitor;
