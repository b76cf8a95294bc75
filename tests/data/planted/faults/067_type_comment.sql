-- finds: type public.mood: comment how one feels  →  none
COMMENT ON TYPE mood IS 'x';
