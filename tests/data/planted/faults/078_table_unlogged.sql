-- finds: table public.scratchpad: is unlogged none  →  yes
ALTER TABLE scratchpad SET UNLOGGED;
