-- finds: column sku of public.products: collation none  →  "C"
ALTER TABLE products ALTER COLUMN sku TYPE text COLLATE "POSIX";
