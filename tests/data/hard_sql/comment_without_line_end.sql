-- statements: 2
CREATE TABLE last_comment (id integer, said text);
INSERT INTO last_comment VALUES (1, 'a;--') -- and no semicolon; nor a line end'