-- finds: constraint orders_total_check of public.orders is missing
ALTER TABLE orders DROP CONSTRAINT orders_total_check;
