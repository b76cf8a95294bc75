-- finds: statistics public.orders_stats is missing
DROP STATISTICS orders_stats;
