ALTER TABLE orders ADD COLUMN placed date;
