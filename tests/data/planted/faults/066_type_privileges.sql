-- finds: type public.mood: privileges as built in  →  (postgres=U/postgres)
REVOKE USAGE ON TYPE mood FROM PUBLIC;
