-- statements: 9
-- migrate: no-transaction
CREATE TABLE apart (id integer, said text);
INSERT INTO apart SELECT n, 'row;' || n FROM generate_series(1, 20) AS n;
CREATE INDEX CONCURRENTLY "apart;said" ON apart ((said || ';')) WHERE said <> ';--';
CREATE TYPE state AS ENUM ('on;');
ALTER TYPE state ADD VALUE 'off; --';
CREATE TABLE states AS SELECT 'off; --'::state AS state;
VACUUM (ANALYZE) apart; /* ; */
COPY apart FROM stdin;
21	copied; outside
\.
CREATE FUNCTION outside() RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT count(*) AS n FROM apart; SELECT CASE WHEN true THEN 1 END; END;
