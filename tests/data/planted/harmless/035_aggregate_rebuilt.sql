DROP AGGREGATE product_of(numeric);
