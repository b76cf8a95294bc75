ALTER TABLE products RENAME COLUMN remark TO comment;
