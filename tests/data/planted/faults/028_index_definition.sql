-- finds: index public.rooms_name: definition CREATE INDEX rooms_name ON public.rooms USING btree (name) WHERE (floor > 0)  →  CREATE INDEX rooms_name ON public.rooms USING btree (name)
DROP INDEX rooms_name;
