-- statements: 6
/* BEGIN; */
-- COMMIT;
BEGIN TRANSACTION;

CREATE TABLE wrapped (id integer, said text);
INSERT INTO wrapped VALUES (1, 'COMMIT;'), (2, $$BEGIN;$$);
DO $$ BEGIN INSERT INTO wrapped VALUES (3, 'END;'); END $$;
CREATE VIEW wrapped_end AS SELECT id, CASE id WHEN 1 THEN 'COMMIT' END AS "commit" FROM wrapped;
END;
/* ROLLBACK; */
