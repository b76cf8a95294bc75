-- finds: table public.tags: privileges (pg_monitor=r/postgres, postgres=
REVOKE SELECT ON tags FROM pg_monitor;
