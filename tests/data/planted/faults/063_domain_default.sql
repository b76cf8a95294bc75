-- finds: domain public.short: default ''::text  →  none
ALTER DOMAIN short DROP DEFAULT;
