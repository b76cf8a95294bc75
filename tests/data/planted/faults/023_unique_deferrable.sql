-- finds: constraint slots_number_key of public.slots: definition UNIQUE (number)  →  UNIQUE (number) DEFERRABLE
ALTER TABLE slots DROP CONSTRAINT slots_number_key;
