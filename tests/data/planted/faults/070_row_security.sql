-- finds: table public.notes: row security enabled  →  none
ALTER TABLE notes DISABLE ROW LEVEL SECURITY;
