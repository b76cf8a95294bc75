-- statements: 10
CREATE TABLE logs (kind text, at date NOT NULL, said text) PARTITION BY LIST (kind);
CREATE TABLE logs_semicolon PARTITION OF logs FOR VALUES IN (';', '--', 'it''s', $$\$$) PARTITION BY RANGE (at, said);
CREATE TABLE logs_2024 PARTITION OF logs_semicolon FOR VALUES FROM ('2024-01-01', MINVALUE) TO ('2025-01-01', MINVALUE);
CREATE TABLE logs_2025 PARTITION OF logs_semicolon (CONSTRAINT "said;" CHECK (said <> ';')) FOR VALUES FROM ('2025-01-01', MINVALUE) TO (MAXVALUE, MAXVALUE);
CREATE TABLE logs_rest PARTITION OF logs DEFAULT PARTITION BY HASH (said);
CREATE TABLE logs_rest_0 PARTITION OF logs_rest FOR VALUES WITH (MODULUS 1, REMAINDER 0);
INSERT INTO logs VALUES (';', '2024-05-05', 'a;b'), ('\', '2025-05-05', '--'), ('x;', '2024-01-01', 'rest');
CREATE INDEX ON logs (at) WHERE kind <> ';';
ALTER TABLE logs DETACH PARTITION logs_rest;
ALTER TABLE logs ATTACH PARTITION logs_rest DEFAULT;
