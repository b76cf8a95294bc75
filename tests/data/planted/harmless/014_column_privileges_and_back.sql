GRANT SELECT (notes) ON products TO pg_monitor;
