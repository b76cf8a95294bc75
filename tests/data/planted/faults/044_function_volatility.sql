-- finds: function public.twice(n integer): definition
ALTER FUNCTION twice(integer) VOLATILE;
