-- statements: 6
CREATE TABLE events (id integer PRIMARY KEY, kind text, at integer);
CREATE FUNCTION count_events(wanted text DEFAULT ';') RETURNS bigint LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 1; -- nobody sees this one; END;
    SELECT count(*) FROM events WHERE kind = wanted || 'END;';
END;
CREATE FUNCTION add_event(id integer, kind text) RETURNS integer LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO events VALUES (add_event.id, add_event.kind, 0);
    UPDATE events SET at = 1 WHERE events.id = add_event.id;
    DELETE FROM events WHERE events.id < 0 RETURNING events.id;
    SELECT add_event.id;
END;
CREATE FUNCTION nothing() RETURNS void LANGUAGE sql BEGIN ATOMIC END;
SELECT add_event(1, 'END;'), add_event(2, ';END;');
INSERT INTO events SELECT 3, 'counted', count_events('');
