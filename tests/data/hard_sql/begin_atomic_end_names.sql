-- statements: 5
CREATE TABLE spans (start integer, "end" integer);
INSERT INTO spans VALUES (1, 5), (2, 3);
CREATE FUNCTION longest() RETURNS integer LANGUAGE sql
BEGIN ATOMIC
    SELECT t.end FROM spans AS t WHERE t.end > t.start;
    SELECT t.start AS end FROM spans t;
    SELECT max(t.end - t.start) AS end FROM spans AS t;
END;
CREATE FUNCTION case_of(t spans) RETURNS text LANGUAGE sql
BEGIN ATOMIC
    SELECT (t).start AS case, (t).end AS begin;
    SELECT CASE (t).end WHEN 5 THEN 'five;' ELSE 'END;' END AS end;
END;
CREATE TABLE measured AS SELECT longest() AS longest, case_of(s) AS said FROM spans AS s ORDER BY start;
