-- statements: 5
CREATE TABLE"t"(id INTEGER,said TEXT);INSERT INTO t VALUES(1,'a'),(2,';');UPDATE[t]SET said=said||';'WHERE id=1;/**/CREATE VIEW`v`AS SELECT*FROM t;DELETE FROM t WHERE said='--'OR(id=3);--
