-- finds: constraint tags_pkey of public.tags is missing
-- also: column name of public.tags: not null yes  →  none
ALTER TABLE tags DROP CONSTRAINT tags_pkey;
ALTER TABLE tags ALTER COLUMN name DROP NOT NULL;
