-- statements: 9
-- The word in a name, in a string or on its own starts no body.
CREATE TABLE atomic_units (atomic boolean, begin_atomic text DEFAULT 'BEGIN ATOMIC', non_atomic integer, begin integer);
CREATE FUNCTION atomic() RETURNS integer LANGUAGE sql RETURN 1;
CREATE FUNCTION begin_atomic(atomic integer, begin integer DEFAULT 2) RETURNS text LANGUAGE sql AS 'SELECT ''BEGIN ATOMIC;''::text;';
CREATE OR REPLACE FUNCTION public.atomic(atomic text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN atomic || ';'; END $$;
CREATE FUNCTION count_atomic() RETURNS SETOF atomic_units LANGUAGE sql BEGIN ATOMIC SELECT * FROM atomic_units atomic; END;
INSERT INTO atomic_units VALUES (true, begin_atomic(1), atomic(), 1), (false, atomic('x'), 2, 3);
CREATE SCHEMA atomic CREATE TABLE begin (atomic integer) CREATE VIEW atomic AS SELECT atomic FROM begin;
INSERT INTO atomic.begin VALUES (1);
CREATE TABLE counted AS SELECT begin atomic, a.atomic AS is_atomic FROM count_atomic() AS a;
