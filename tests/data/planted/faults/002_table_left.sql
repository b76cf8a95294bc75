-- finds: table public.invoices was not there before
CREATE TABLE invoices (id bigint PRIMARY KEY, total numeric NOT NULL);
CREATE INDEX invoices_total ON invoices (total);
