CREATE TABLE marked_first (id integer, said text);
INSERT INTO marked_first VALUES (1, ';')