ALTER TABLE products ALTER COLUMN code TYPE character varying(20);
