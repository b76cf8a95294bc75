ALTER TABLE slots RENAME CONSTRAINT slots_number_positive TO slots_number_check;
