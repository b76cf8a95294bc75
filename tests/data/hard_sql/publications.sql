-- statements: 5
CREATE TABLE published (id integer PRIMARY KEY, said text, kind text);
CREATE TABLE "pub;lished" (id integer PRIMARY KEY);
CREATE PUBLICATION "pub;" FOR TABLE published, "pub;lished" WITH (publish = 'insert, update');
COMMENT ON PUBLICATION "pub;" IS 'for ''whom''; --';
ALTER TABLE published REPLICA IDENTITY FULL;
