-- finds: function public.thrice(n integer): definition
ALTER FUNCTION thrice(integer) SECURITY DEFINER SET search_path = pg_catalog;
