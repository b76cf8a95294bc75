-- also: column id of public.child: is inherited yes  →  none
-- finds: table public.child: inherits (public.parent)  →  none
ALTER TABLE child NO INHERIT parent;
