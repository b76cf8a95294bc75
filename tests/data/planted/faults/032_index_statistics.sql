-- finds: index public.rooms_area: statistics none  →  (1: 200)
ALTER INDEX rooms_area ALTER COLUMN 1 SET STATISTICS 200;
