ALTER TYPE point3 ADD ATTRIBUTE t timestamptz;
