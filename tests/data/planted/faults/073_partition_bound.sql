-- finds: table public.events_2025: partition bound FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')  →  FOR VALUES FROM ('2025-01-01') TO ('2025-07-01')
ALTER TABLE events DETACH PARTITION events_2025;
