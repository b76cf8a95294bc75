-- migrate: no-transaction
CREATE INDEX CONCURRENTLY users_bio ON users (bio);
