-- finds: column notes of public.products: storage none  →  external
ALTER TABLE products ALTER COLUMN notes SET STORAGE EXTERNAL;
