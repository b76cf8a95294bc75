-- statements: 7
CREATE TABLE tight(id integer,said text);INSERT INTO tight VALUES(1,'a'),(2,';');UPDATE tight SET said=said||';'WHERE id=1;/**/DELETE FROM tight WHERE said='--'OR(id=3);CREATE VIEW"tight;v"AS SELECT*FROM tight;SELECT 1;INSERT INTO tight SELECT 3,$$;$$;--
