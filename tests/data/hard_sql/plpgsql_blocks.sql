-- statements: 4
CREATE TABLE steps (step integer PRIMARY KEY, said text);
CREATE FUNCTION walk(upto integer) RETURNS text LANGUAGE plpgsql AS $$
<<"outer">>
DECLARE
    steps_done CURSOR (least integer) FOR SELECT * FROM steps WHERE step >= least;
    total integer := 0;
BEGIN
    <<outer_loop>>
    FOR i IN 1..upto LOOP
        CASE i % 3
            WHEN 0 THEN INSERT INTO steps VALUES (i, 'third;');
            WHEN 1 THEN
                BEGIN
                    INSERT INTO steps VALUES (i, CASE WHEN i > 3 THEN 'BEGIN;' ELSE 'END;' END);
                EXCEPTION WHEN unique_violation THEN NULL;
                END;
            ELSE CONTINUE outer_loop;
        END CASE;
    END LOOP;
    FOR row IN steps_done(least := 1) LOOP
        total := total + row.step;
    END LOOP;
    WHILE total > 100 LOOP total := total - 1; END LOOP;
    DECLARE total text := 'inner;';
    BEGIN
        RETURN total || "outer".total::text;
    END;
END "outer"; $$;
INSERT INTO steps VALUES (0, walk(7));
UPDATE steps SET said = said || ';' WHERE step IN (1, 4);
