-- finds: column notes of public.products: comment what the seller says  →  none
COMMENT ON COLUMN products.notes IS 'anything';
