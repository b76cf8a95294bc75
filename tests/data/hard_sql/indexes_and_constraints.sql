-- statements: 10
CREATE TABLE bookings (room integer, during int4range, guest text, said text);
CREATE INDEX ON bookings ((lower(guest) || ';'), (coalesce(said, '--')) DESC NULLS LAST) INCLUDE (room) WHERE guest <> ';' AND said !~ '\(';
CREATE UNIQUE INDEX "once;" ON bookings USING btree (guest text_pattern_ops, ((said || $$'$$)));
ALTER TABLE bookings ADD CONSTRAINT "no;overlap" EXCLUDE USING gist (during WITH &&) WHERE (guest <> 'x;');
ALTER TABLE bookings ADD CONSTRAINT said_check CHECK (said IN (';', ')', '(', 'it''s') OR said IS NULL) NOT VALID, ADD PRIMARY KEY (room);
ALTER TABLE bookings VALIDATE CONSTRAINT said_check;
CREATE TABLE guests (room integer REFERENCES bookings ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, name text UNIQUE DEFAULT '();');
INSERT INTO guests VALUES (1, '('), (2, ')');
INSERT INTO bookings VALUES (1, '[1,5)', 'a;', ';'), (2, '[5,6)', 'b', ')');
CREATE STATISTICS "guests;" (ndistinct, mcv) ON room, (name || ';') FROM guests;
