ALTER TABLE slots RENAME CONSTRAINT slots_number_check TO slots_number_positive;
