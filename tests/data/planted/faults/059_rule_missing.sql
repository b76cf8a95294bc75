-- finds: rule keep of public.tags is missing
DROP RULE keep ON tags;
