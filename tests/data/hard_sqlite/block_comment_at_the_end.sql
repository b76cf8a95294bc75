-- statements: 2
CREATE TABLE c (id INTEGER, said TEXT);
INSERT INTO c VALUES (1, ';') /* the end; */