-- finds: procedure public.tidy() was not there before
CREATE PROCEDURE tidy() LANGUAGE sql AS 'DELETE FROM items';
