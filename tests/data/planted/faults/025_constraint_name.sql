-- finds: constraint slots_number_check of public.slots is called slots_number_positive
-- verdict: constraint names only
ALTER TABLE slots DROP CONSTRAINT IF EXISTS slots_number_check, DROP CONSTRAINT IF EXISTS slots_number_positive;
