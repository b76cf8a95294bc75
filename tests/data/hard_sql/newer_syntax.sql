-- statements: 5
-- What only PostgreSQL 18 knows, and the lexer need not.
CREATE TABLE virtual (id integer, said text, twice text GENERATED ALWAYS AS (said || ';' || CASE WHEN id = 1 THEN 'END;' END) VIRTUAL);
ALTER TABLE virtual ADD CONSTRAINT "said;" CHECK (said <> ';') NOT ENFORCED;
INSERT INTO virtual VALUES (1, 'a'), (2, ';');
UPDATE virtual SET said = 'b;' WHERE id = 1 RETURNING WITH (OLD AS before) before.said || ';' || new.twice AS change;
ALTER TABLE virtual ADD CONSTRAINT there NOT NULL id NOT VALID;
