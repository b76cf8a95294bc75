-- finds: column nickname of public.users was not there before
ALTER TABLE users ADD COLUMN nickname text;
