-- finds: aggregate public.product_of(numeric) is missing
DROP AGGREGATE product_of(numeric);
