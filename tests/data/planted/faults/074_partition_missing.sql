-- finds: table public.events_2023 is missing
DROP TABLE events_2023;
