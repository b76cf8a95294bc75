CREATE VIEW open_orders AS SELECT * FROM orders WHERE total > 0;
