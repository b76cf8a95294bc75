-- finds: column order of public.orders: id, user_id, placed, total, remark  →  id, user_id, total, remark, placed
-- verdict: column order only
CREATE INDEX orders_placed ON orders (placed);
