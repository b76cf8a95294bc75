ALTER TABLE slots DROP CONSTRAINT slots_number_key;
