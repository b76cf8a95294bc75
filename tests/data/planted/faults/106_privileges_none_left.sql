-- finds: table public.rooms: privileges as built in  →  ()
REVOKE ALL ON rooms FROM CURRENT_USER;
