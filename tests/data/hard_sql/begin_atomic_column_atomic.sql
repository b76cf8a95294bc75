-- statements: 3
CREATE TABLE bonds (atomic integer, "begin" integer);
CREATE FUNCTION bond() RETURNS integer LANGUAGE sql
BEGIN ATOMIC
    SELECT CASE WHEN true THEN atomic END AS begin FROM bonds AS begin;
    SELECT CASE atomic WHEN 1 THEN begin.atomic END FROM bonds begin WHERE begin.begin = atomic;
END;
INSERT INTO bonds VALUES (1, 1), (bond(), 2);
