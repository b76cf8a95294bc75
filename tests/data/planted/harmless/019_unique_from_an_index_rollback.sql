CREATE UNIQUE INDEX slots_number_idx ON slots (number);
ALTER TABLE slots ADD CONSTRAINT slots_number_key UNIQUE USING INDEX slots_number_idx;
