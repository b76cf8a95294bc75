-- statements: 6
-- What fires at the end sees the session as the file left it: its names are the file's.
CREATE TABLE entries (id integer PRIMARY KEY, said text);
CREATE TABLE entries_seen (said text);
CREATE FUNCTION see_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO entries_seen VALUES (TG_ARGV[0] || ';' || NEW.said);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER "late;" AFTER INSERT ON entries DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION see_entry('it''s');
INSERT INTO entries VALUES (1, 'at the end;');
INSERT INTO entries VALUES (2, ';');
