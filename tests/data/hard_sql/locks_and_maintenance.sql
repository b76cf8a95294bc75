-- statements: 9
CREATE TABLE worked (id integer GENERATED ALWAYS AS IDENTITY, said text);
LOCK TABLE worked IN SHARE ROW EXCLUSIVE MODE NOWAIT;
INSERT INTO worked (said) SELECT 'x;' || n FROM generate_series(1, 5) AS n;
ANALYZE worked (said);
SELECT pg_advisory_xact_lock(hashtext('my;lock'));
TRUNCATE worked RESTART IDENTITY CASCADE;
INSERT INTO worked (said) VALUES ('first; again');
ALTER TABLE worked RENAME COLUMN said TO "sa;id";
DROP TABLE IF EXISTS "gone;", public.gone CASCADE;
