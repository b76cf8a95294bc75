CREATE OR REPLACE VIEW cheap AS SELECT id, title FROM products WHERE price < 5;
