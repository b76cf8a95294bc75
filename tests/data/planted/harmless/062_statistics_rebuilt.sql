DROP STATISTICS orders_stats;
