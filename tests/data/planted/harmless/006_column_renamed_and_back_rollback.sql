ALTER TABLE products RENAME COLUMN comment TO remark;
