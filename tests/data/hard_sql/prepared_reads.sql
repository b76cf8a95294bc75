-- statements: 4
CREATE TABLE seen AS SELECT 'a;b'::text AS said;
PREPARE "read;"(text) AS SELECT $1 || ';' AS said FROM seen WHERE said <> $1;
CREATE TABLE seen_by AS EXECUTE "read;"('--');
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) EXECUTE "read;"($$;$$);
