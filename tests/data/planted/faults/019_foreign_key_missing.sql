-- finds: constraint orders_user_id_fkey of public.orders is missing
ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey;
