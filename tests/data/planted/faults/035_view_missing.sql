-- finds: view public.cheap is missing
DROP VIEW cheap;
