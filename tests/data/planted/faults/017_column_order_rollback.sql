ALTER TABLE orders ADD COLUMN swapped date;
UPDATE orders SET swapped = placed;
ALTER TABLE orders DROP COLUMN placed;
ALTER TABLE orders RENAME COLUMN swapped TO placed;
