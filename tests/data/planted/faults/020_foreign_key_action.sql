-- finds: constraint items_order_id_fkey of public.items: definition FOREIGN KEY (order_id) REFERENCES public.orders(id) ON DELETE CASCADE  →  FOREIGN KEY (order_id) REFERENCES public.orders(id)
ALTER TABLE items DROP CONSTRAINT items_order_id_fkey;
