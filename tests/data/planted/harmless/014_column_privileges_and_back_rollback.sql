REVOKE SELECT (notes) ON products FROM pg_monitor;
