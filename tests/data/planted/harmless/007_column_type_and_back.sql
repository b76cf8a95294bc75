ALTER TABLE products ALTER COLUMN code TYPE text;
