ALTER TABLE orders ADD CONSTRAINT orders_total_check CHECK (total >= 0.0::numeric OR false) NOT VALID;
ALTER TABLE orders DROP CONSTRAINT orders_total_check;
ALTER TABLE orders ADD CONSTRAINT orders_total_check CHECK (total >= 0);
