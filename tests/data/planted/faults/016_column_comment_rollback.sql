COMMENT ON COLUMN products.notes IS NULL;
