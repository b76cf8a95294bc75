-- statements: 14
CREATE TABLE told (id integer, said text);
SELECT 1 AS "a;b", 'c;d' AS c; SELECT; VALUES (1, ';'), (2, '--'); TABLE told;
SHOW search_path; EXPLAIN (COSTS off) SELECT ';' FROM told;
DO $$ BEGIN
    RAISE NOTICE 'it''s; %', 1; RAISE WARNING USING MESSAGE = 'a;b', DETAIL = $d$c;$d$; RAISE INFO '%%';
    FOR n IN 1..200 LOOP RAISE NOTICE 'number %;', n; END LOOP;
END $$;
LISTEN "chan;nel"; NOTIFY "chan;nel", 'pay;load -- it''s'; UNLISTEN *;
SELECT pg_notify('chan;nel', $$a'b;$$) FROM generate_series(1, 100);
INSERT INTO told SELECT n, 'row;' || n FROM generate_series(1, 3) AS n RETURNING *;
SELECT repeat('x;', 100) FROM generate_series(1, 2000);
