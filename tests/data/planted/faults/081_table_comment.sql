-- finds: table public.tags: comment words  →  none
COMMENT ON TABLE tags IS 'tags';
