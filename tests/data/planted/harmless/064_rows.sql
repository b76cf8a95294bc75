INSERT INTO secrets VALUES ('one'), ('two');
