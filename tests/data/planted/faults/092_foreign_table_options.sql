-- finds: foreign table public.distant: foreign options (table=a)  →  (table=b)
ALTER FOREIGN TABLE distant OPTIONS (SET "table" 'b');
