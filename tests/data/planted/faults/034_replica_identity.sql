-- finds: table public.rooms: replica identity none  →  full
ALTER TABLE rooms REPLICA IDENTITY FULL;
