-- statements: 2
CREATE TABLE last_block (id integer);
INSERT INTO last_block VALUES (1); /* ends here; /* with */ no line end */