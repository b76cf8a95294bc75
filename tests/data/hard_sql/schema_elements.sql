-- statements: 5
CREATE SCHEMA shop
    CREATE TABLE items (id integer PRIMARY KEY, said text DEFAULT ';', CHECK (said <> 'CREATE TABLE x;'))
    CREATE SEQUENCE numbers START 5
    CREATE INDEX items_said ON items (said) WHERE said <> ';'
    CREATE VIEW named AS SELECT id, CASE WHEN said = ';' THEN 'END;' END AS "end" FROM items -- ; in a comment
    CREATE TRIGGER unchanged BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()
    GRANT SELECT ON items TO PUBLIC;
CREATE SCHEMA IF NOT EXISTS "sh;op" AUTHORIZATION CURRENT_USER;
INSERT INTO shop.items SELECT nextval('shop.numbers'), 'a;' || n FROM generate_series(1, 2) AS n;
CREATE SCHEMA begin CREATE TABLE a (b integer) CREATE VIEW c AS SELECT b FROM a;
INSERT INTO shop.items (id) VALUES (1);
