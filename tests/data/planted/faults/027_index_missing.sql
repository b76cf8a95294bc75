-- finds: index public.rooms_floor is missing
DROP INDEX rooms_floor;
