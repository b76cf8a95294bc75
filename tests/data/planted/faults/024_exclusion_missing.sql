-- finds: constraint slots_during_excl of public.slots is missing
ALTER TABLE slots DROP CONSTRAINT slots_during_excl;
