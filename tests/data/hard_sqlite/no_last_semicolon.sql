-- statements: 2
CREATE TABLE unended (id INTEGER, said TEXT);
INSERT INTO unended VALUES (1, ';')