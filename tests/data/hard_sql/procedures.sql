-- statements: 7
CREATE TABLE moves (id integer GENERATED ALWAYS AS IDENTITY, amount integer, said text);
CREATE PROCEDURE move(amount integer, INOUT total integer DEFAULT NULL, VARIADIC notes text[] DEFAULT '{"d;"}'::text[])
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO moves (amount, said) VALUES (move.amount, array_to_string(notes, ';'));
    total := (SELECT sum(m.amount) FROM moves AS m);
END;
$$;
CALL move(5, NULL, ';');
CALL move(7, NULL, 'a;b', $$c'd$$);
CALL move(total => 1, amount => 2 * 3, VARIADIC notes => '{"n;"}');
CREATE OR REPLACE PROCEDURE "move;"() LANGUAGE sql AS $$ INSERT INTO moves (amount, said) VALUES (0, ';'); $$;
CALL "move;"();
