CREATE STATISTICS orders_stats (dependencies) ON total, user_id FROM orders;
