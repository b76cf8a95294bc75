create or replace view dear as
  select id, -- spelt otherwise
  title from public.products where (price > 100::numeric);
