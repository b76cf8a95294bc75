-- finds: index public.rooms_label: definition CREATE UNIQUE INDEX rooms_label ON public.rooms USING btree (label)  →  CREATE INDEX rooms_label ON public.rooms USING btree (label)
DROP INDEX rooms_label;
