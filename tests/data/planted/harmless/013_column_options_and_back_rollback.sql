ALTER TABLE products ALTER COLUMN notes RESET (n_distinct);
