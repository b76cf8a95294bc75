CREATE AGGREGATE sum_of(numeric) (SFUNC = numeric_add, STYPE = numeric, INITCOND = '100');
