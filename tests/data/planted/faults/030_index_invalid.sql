-- finds: index public.rooms_width: is invalid none  →  yes
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'rooms_width'::regclass;
