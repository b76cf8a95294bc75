-- finds: column notes of public.products: options none  →  (n_distinct=0.5)
ALTER TABLE products ALTER COLUMN notes SET (n_distinct = 0.5);
