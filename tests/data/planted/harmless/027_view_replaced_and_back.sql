CREATE OR REPLACE VIEW dear AS SELECT id, title FROM products WHERE price > 500;
