ALTER TABLE products ALTER COLUMN notes SET (n_distinct = 0.5);
