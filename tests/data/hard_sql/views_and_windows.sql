-- statements: 7
CREATE TABLE sales (id integer, region text, amount integer DEFAULT 1);
INSERT INTO sales VALUES (1, 'no;rth', 5), (2, 'south', 7), (3, 'no;rth', 9);
CREATE VIEW ranked WITH (security_barrier) AS
    SELECT *, rank() OVER by_region AS place, sum(amount) FILTER (WHERE region <> ';') OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) AS so_far
    FROM sales WINDOW by_region AS (PARTITION BY region || ';' ORDER BY amount DESC);
CREATE RECURSIVE VIEW public.counting (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM counting WHERE n < 3;
CREATE VIEW small AS SELECT id, region FROM sales WHERE amount < 8 AND region <> '--;' WITH LOCAL CHECK OPTION;
CREATE MATERIALIZED VIEW totals AS SELECT region, string_agg(amount::text, ';' ORDER BY id) AS amounts, grouping(region) FROM sales GROUP BY ROLLUP (region) WITH DATA;
INSERT INTO small VALUES (4, 'ea''st;');
