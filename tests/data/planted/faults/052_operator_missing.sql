-- finds: operator public.===(integer,integer) is missing
DROP OPERATOR === (integer, integer);
