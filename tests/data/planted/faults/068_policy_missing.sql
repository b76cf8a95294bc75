-- finds: policy own of public.notes is missing
DROP POLICY own ON notes;
