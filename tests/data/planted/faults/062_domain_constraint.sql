-- finds: domain constraint short_check of public.short is missing
ALTER DOMAIN short DROP CONSTRAINT short_check;
