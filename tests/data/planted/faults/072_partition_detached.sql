-- finds: table public.events_2024:
-- also: index public.events_2024_what_idx: partition of public.events_what  →  none
ALTER TABLE events DETACH PARTITION events_2024;
