-- finds: constraint items_product_id_fkey of public.items: definition FOREIGN KEY (product_id) REFERENCES public.products(id)  →  FOREIGN KEY (product_id) REFERENCES public.products(id) NOT VALID
ALTER TABLE items DROP CONSTRAINT items_product_id_fkey;
