-- finds: function public.greet(name text): definition
CREATE OR REPLACE FUNCTION greet(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'Hi ' || name $$;
