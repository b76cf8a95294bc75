-- finds: sequence public.tickets: increment 1  →  10
ALTER SEQUENCE tickets INCREMENT 10;
