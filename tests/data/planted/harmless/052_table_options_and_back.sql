ALTER TABLE tags SET (fillfactor = 70, autovacuum_enabled = off);
