COMMENT ON COLUMN products.notes IS 'anything';
