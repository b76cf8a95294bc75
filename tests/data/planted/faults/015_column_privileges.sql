-- finds: column notes of public.products: privileges as built in  →  (pg_monitor=r/postgres)
GRANT SELECT (notes) ON products TO pg_monitor;
