-- finds: function public.thrice(n integer): privileges as built in  →  (postgres=X/postgres)
REVOKE EXECUTE ON FUNCTION thrice(integer) FROM PUBLIC;
