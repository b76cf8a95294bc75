-- finds: materialized view public.counts: is populated yes  →  no
REFRESH MATERIALIZED VIEW counts WITH NO DATA;
