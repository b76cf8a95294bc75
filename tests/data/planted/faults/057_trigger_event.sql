-- finds: trigger watch of public.users: definition
DROP TRIGGER watch ON users;
