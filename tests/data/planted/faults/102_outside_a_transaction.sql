-- migrate: no-transaction
-- finds: index public.users_id_again was not there before
CREATE INDEX CONCURRENTLY users_id_again ON users (id);
