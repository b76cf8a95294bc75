-- finds: column y of public.point3 is missing
ALTER TYPE point3 DROP ATTRIBUTE y;
