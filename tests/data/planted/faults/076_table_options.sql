-- finds: table public.tags: options none  →  (fillfactor=70)
ALTER TABLE tags SET (fillfactor = 70);
