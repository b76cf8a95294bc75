-- statements: 3
CREATE TABLE unended (id integer, said text);
INSERT INTO unended VALUES (1, ';');
INSERT INTO unended VALUES (2, $$no semicolon; and no line end$$)