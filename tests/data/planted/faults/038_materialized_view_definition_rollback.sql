CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS n, sum(total) AS total FROM orders WHERE total > 0;
