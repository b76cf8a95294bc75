CREATE TABLE invoices (id bigserial PRIMARY KEY, total numeric NOT NULL CHECK (total > 0));
CREATE INDEX invoices_total ON invoices (total);
COMMENT ON TABLE invoices IS 'bills';
