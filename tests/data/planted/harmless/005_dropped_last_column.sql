-- migrate: accept rows because nobody ever wrote a remark
ALTER TABLE orders DROP COLUMN remark;
