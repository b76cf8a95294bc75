ALTER TABLE slots ADD CONSTRAINT slots_number_key UNIQUE (number) DEFERRABLE;
