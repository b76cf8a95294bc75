-- finds: extension plpgsql is missing
-- also: event trigger observe is missing
-- also: function public.observed() is missing
-- also: function public.touched() is missing
-- also: language plfoo is missing
-- also: trigger guard of public.users is missing
DROP EXTENSION plpgsql CASCADE;
