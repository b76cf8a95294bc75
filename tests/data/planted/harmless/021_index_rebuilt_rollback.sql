CREATE INDEX rooms_name ON public.rooms USING btree (name ASC NULLS LAST) WHERE (floor > 0);
