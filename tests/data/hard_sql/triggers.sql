-- statements: 11
CREATE TABLE accounts (id integer PRIMARY KEY, balance integer, changed text);
CREATE TABLE audit (id integer GENERATED ALWAYS AS IDENTITY, said text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit (said) VALUES (TG_OP || ';' || TG_NAME || ';' || coalesce(TG_ARGV[0], '-') || ';' || coalesce(TG_ARGV[1], '-'));
    RETURN NULL;
END $$;
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.changed := ''yes;''; RETURN NEW; END;';
CREATE FUNCTION count_new() RETURNS trigger LANGUAGE plpgsql AS $_$ BEGIN INSERT INTO audit (said) SELECT count(*) || ' new;' FROM added; RETURN NULL; END $_$;
CREATE TRIGGER "note;" AFTER INSERT OR UPDATE OF balance ON accounts FOR EACH ROW WHEN (NEW.balance <> 0 AND NEW.changed IS DISTINCT FROM ';') EXECUTE FUNCTION note('a;b', '--');
CREATE TRIGGER stamped BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE TRIGGER counted AFTER INSERT ON accounts REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE PROCEDURE count_new();
INSERT INTO accounts VALUES (1, 10), (2, 0);
UPDATE accounts SET balance = balance + 1;
ALTER TABLE accounts DISABLE TRIGGER stamped;
