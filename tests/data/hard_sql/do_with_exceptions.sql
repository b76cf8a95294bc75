-- statements: 6
CREATE TABLE attempts (id integer PRIMARY KEY, outcome text);
DO $$
BEGIN
    INSERT INTO attempts VALUES (1, 'first;');
    BEGIN
        INSERT INTO attempts VALUES (1, 'again;');
    EXCEPTION
        WHEN unique_violation THEN
            INSERT INTO attempts VALUES (2, 'caught; ' || SQLSTATE);
        WHEN OTHERS THEN RAISE;
    END;
END
$$;
DO LANGUAGE plpgsql $tag$ BEGIN
    PERFORM 1 / 0;
EXCEPTION WHEN division_by_zero THEN
    RAISE NOTICE 'it''s; %', $$zero;$$;
    INSERT INTO attempts VALUES (3, SQLERRM || ';');
END $tag$;
do $DO$ begin end $DO$;
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_type WHERE typname = 'mood;') THEN CREATE TYPE "mood;" AS ENUM ('a;', 'b'); END IF; END; $$ LANGUAGE plpgsql;
DO $x$
DECLARE r record;
BEGIN
    FOR r IN SELECT format('ALTER TABLE %I ADD COLUMN %I text DEFAULT %L', 'attempts', 'c;' || n, $$d'$$ || n) AS command FROM generate_series(1, 2) n
    LOOP EXECUTE r.command; END LOOP;
END $x$;
