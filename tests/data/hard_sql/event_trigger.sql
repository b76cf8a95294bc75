-- statements: 4
CREATE TABLE ddl (id integer GENERATED ALWAYS AS IDENTITY, tag text);
CREATE FUNCTION note_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.ddl (tag) SELECT command_tag || ';' || object_identity FROM pg_event_trigger_ddl_commands();
END $$;
CREATE EVENT TRIGGER "ddl; noted" ON ddl_command_end WHEN TAG IN ('CREATE VIEW', 'COMMENT') EXECUTE FUNCTION note_ddl();
CREATE VIEW noticed AS SELECT ';' AS semicolon;
