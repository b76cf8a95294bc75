-- statements: 3
CREATE TABLE built (name text PRIMARY KEY, body text NOT NULL);
DO $outer$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['first', 'second'] LOOP
        EXECUTE format($make$
            CREATE FUNCTION %I() RETURNS text LANGUAGE plpgsql AS $inner$
            BEGIN
                EXECUTE $deepest$DO $$ BEGIN PERFORM 'a;b'; END; $$;$deepest$;
                RETURN %L; -- $make is no end; nor is $inner
            END;
            $inner$;
        $make$, wanted, wanted || $$; -- 'said'$$);
    END LOOP;
    INSERT INTO built SELECT proname, prosrc FROM pg_proc WHERE proname IN ('first', 'second');
END
$outer$;
INSERT INTO built VALUES ('called', first() || second());
