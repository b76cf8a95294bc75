-- finds: table public.scratchpad: owner postgres  →  pg_monitor
ALTER TABLE scratchpad OWNER TO pg_monitor;
