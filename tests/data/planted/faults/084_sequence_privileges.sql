-- finds: sequence public.tickets: privileges as built in  →  (pg_monitor=U/postgres, postgres=
GRANT USAGE ON SEQUENCE tickets TO pg_monitor;
