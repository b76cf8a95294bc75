CREATE OR REPLACE VIEW cheap AS SELECT products.id, products.title FROM public.products WHERE (products.price < 10);
