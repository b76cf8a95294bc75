REVOKE ALL ON products FROM pg_read_all_stats;
REVOKE SELECT ON orders FROM PUBLIC;
