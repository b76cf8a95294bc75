GRANT ALL ON products TO pg_read_all_stats;
GRANT SELECT ON orders TO PUBLIC;
