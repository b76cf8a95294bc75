-- finds: column bio of public.users is missing
ALTER TABLE users DROP COLUMN bio;
