COMMENT ON COLUMN products.notes IS 'what the seller says';
