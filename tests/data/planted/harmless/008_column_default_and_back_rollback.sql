ALTER TABLE products ALTER state SET DEFAULT 'new'::text;
