-- finds: column title of public.products: not null yes  →  none
ALTER TABLE products ALTER COLUMN title DROP NOT NULL;
