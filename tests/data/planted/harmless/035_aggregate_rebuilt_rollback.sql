CREATE AGGREGATE product_of(numeric) (SFUNC = numeric_mul, STYPE = numeric, INITCOND = '1');
