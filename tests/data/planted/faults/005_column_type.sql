-- finds: column code of public.products: type character varying(20)  →  text
ALTER TABLE products ALTER COLUMN code TYPE varchar(40);
