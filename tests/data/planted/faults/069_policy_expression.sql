-- finds: policy readable of public.notes: using (owner = CURRENT_USER)  →  true
ALTER POLICY readable ON notes USING (false);
