-- finds: table public.secrets: row security enabled  →  forced
ALTER TABLE secrets FORCE ROW LEVEL SECURITY;
