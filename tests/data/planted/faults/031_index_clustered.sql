-- finds: index public.rooms_height: is clustered none  →  yes
ALTER TABLE rooms CLUSTER ON rooms_height;
