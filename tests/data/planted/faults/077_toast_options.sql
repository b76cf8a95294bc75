-- finds: table public.products: TOAST options none  →  (autovacuum_enabled=false)
ALTER TABLE products SET (toast.autovacuum_enabled = false);
