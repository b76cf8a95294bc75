-- statements: 4
CREATE TABLE grades (points integer, mark text);
CREATE OR REPLACE FUNCTION mark(points integer) RETURNS text LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE WHEN points > 90 THEN 'A;' WHEN points > 80 THEN
        CASE points % 2 WHEN 0 THEN 'B; even' ELSE 'B' END
    ELSE CASE WHEN points < 0 THEN 'END;' END END;
    WITH marks AS (SELECT CASE WHEN points = 0 THEN 'zero;' ELSE 'other' END AS m) SELECT m || ';' FROM marks;
    SELECT (CASE WHEN points > 90 THEN 'A;' ELSE coalesce((SELECT CASE points WHEN 1 THEN 'one;' END), 'none;') END);
END;
INSERT INTO grades SELECT p, mark(p) FROM unnest(ARRAY[1, 85, 95]) AS p;
CREATE VIEW marks AS SELECT points, CASE WHEN mark = 'A;' THEN CASE WHEN true THEN 1 END ELSE 0 END AS best FROM grades;
