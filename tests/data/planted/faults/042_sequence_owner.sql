-- finds: sequence public.badges: owned by public.rooms.number  →  none
ALTER SEQUENCE badges OWNED BY NONE;
