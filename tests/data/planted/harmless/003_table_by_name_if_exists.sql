CREATE TABLE IF NOT EXISTS receipts (id uuid DEFAULT gen_random_uuid());
