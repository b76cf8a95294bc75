-- finds: materialized view public.totals: definition
DROP MATERIALIZED VIEW totals;
