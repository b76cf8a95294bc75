-- finds: column notes of public.products: statistics none  →  500
ALTER TABLE products ALTER COLUMN notes SET STATISTICS 500;
