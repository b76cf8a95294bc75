-- finds: function public.twice(n integer): comment none  →  two times
COMMENT ON FUNCTION twice(integer) IS 'two times';
