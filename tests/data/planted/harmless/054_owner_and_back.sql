ALTER TABLE scratchpad OWNER TO pg_monitor;
