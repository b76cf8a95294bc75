-- finds: index public.rooms_area: comment for the plan of the house  →  none
COMMENT ON INDEX rooms_area IS 'none';
