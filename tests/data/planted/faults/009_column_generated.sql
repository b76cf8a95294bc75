-- finds: column price_double of public.products: generated stored: (price * (2)::numeric)  →  none
ALTER TABLE products ALTER COLUMN price_double DROP EXPRESSION;
