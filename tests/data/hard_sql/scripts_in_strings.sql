-- statements: 5
-- Whole migration files, as text.
CREATE TABLE scripts (name text PRIMARY KEY, script text NOT NULL);
INSERT INTO scripts VALUES ('string', 'BEGIN;
COPY users FROM stdin;
1	''Ann''
\.
COMMIT;
-- migrate:down
DROP TABLE users; /* no end
'), ('dollar', $script$START TRANSACTION;
DO $$ BEGIN RAISE NOTICE '%', $1; END $$;
\restrict 0aZ
SELECT 'it''s';
ROLLBACK;
$script$);
CREATE FUNCTION install() RETURNS integer LANGUAGE plpgsql AS $plpgsql$
BEGIN
    INSERT INTO scripts VALUES ('nested', $sql$
COPY t FROM stdin;
\.
$sql$);
    /* COMMIT; */
    RETURN (SELECT count(*) FROM scripts); -- \q
END $plpgsql$;
SELECT install();
INSERT INTO scripts VALUES ('escape', E'COMMIT;\n\\.\n-- it\'s over');
