-- finds: column notes of public.products: compression none  →  pglz
ALTER TABLE products ALTER COLUMN notes SET COMPRESSION pglz;
