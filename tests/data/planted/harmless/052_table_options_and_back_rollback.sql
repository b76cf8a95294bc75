ALTER TABLE tags RESET (fillfactor, autovacuum_enabled);
