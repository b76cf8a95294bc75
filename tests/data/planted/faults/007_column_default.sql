-- finds: column state of public.products: default 'new'::text  →  none
ALTER TABLE products ALTER COLUMN state SET DEFAULT 'draft';
