-- finds: constraint rooms_pkey of public.rooms: comment none  →  by number
COMMENT ON CONSTRAINT rooms_pkey ON rooms IS 'by number';
