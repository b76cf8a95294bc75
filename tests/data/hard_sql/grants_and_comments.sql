-- statements: 15
CREATE TABLE granted (id integer, "se;cret" text, said text);
CREATE FUNCTION granted_to(text DEFAULT ';') RETURNS text LANGUAGE sql RETURN $1;
GRANT SELECT, UPDATE (id, "se;cret") ON granted TO pg_monitor WITH GRANT OPTION;
GRANT ALL PRIVILEGES ON FUNCTION granted_to(text) TO pg_read_all_settings, PUBLIC;
REVOKE EXECUTE ON FUNCTION granted_to FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO pg_monitor;
COMMENT ON TABLE granted IS 'it''s; "granted" -- $$ /*';
COMMENT ON COLUMN granted."se;cret" IS $c$don't; 'tell' \ $c$;
COMMENT ON COLUMN granted.id IS E'line one;\nline \'two\'\\';
COMMENT ON COLUMN granted.said IS 'two lines;
    -- the second; line
';
COMMENT ON FUNCTION granted_to(text) IS U&'\0441; \\';
COMMENT ON SCHEMA public IS 'pub;lic';
COMMENT ON TABLE granted IS NULL;
COMMENT ON TABLE granted IS '';
COMMENT ON TABLE granted IS 'last; \';
