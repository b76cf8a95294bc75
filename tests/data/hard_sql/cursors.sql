-- statements: 11
CREATE TABLE pages (id integer, said text);
INSERT INTO pages SELECT n, 'page;' || n FROM generate_series(1, 9) AS n;
DECLARE "cur;sor" SCROLL CURSOR FOR SELECT id FROM pages WHERE said <> ';' ORDER BY id;
FETCH FORWARD 2 FROM "cur;sor";
MOVE RELATIVE 2 IN "cur;sor";
FETCH NEXT FROM "cur;sor";
CLOSE "cur;sor";
DECLARE writer CURSOR FOR SELECT * FROM pages WHERE id = 5 FOR UPDATE;
FETCH writer;
UPDATE pages SET said = 'cur;rent' WHERE CURRENT OF writer;
CLOSE ALL;
