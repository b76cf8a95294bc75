DROP TABLE somewhere;
DROP INDEX nowhere_idx;
