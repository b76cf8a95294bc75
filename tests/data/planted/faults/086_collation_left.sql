-- finds: collation public.plain was not there before
CREATE COLLATION plain FROM "C";
