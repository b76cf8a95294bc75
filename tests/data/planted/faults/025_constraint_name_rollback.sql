ALTER TABLE slots ADD CONSTRAINT slots_number_positive CHECK (number > 0);
