ALTER TABLE items DROP CONSTRAINT items_product_id_fkey;
