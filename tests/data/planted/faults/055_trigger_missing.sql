-- finds: trigger touch of public.users is missing
DROP TRIGGER touch ON users;
