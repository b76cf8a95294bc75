-- finds: trigger guard of public.users: fires none  →  disabled
ALTER TABLE users DISABLE TRIGGER guard;
