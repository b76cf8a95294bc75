CREATE TABLE marked (id INTEGER, said TEXT);
INSERT INTO marked VALUES (1, ';');
