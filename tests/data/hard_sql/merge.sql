-- statements: 5
CREATE TABLE stock (item text PRIMARY KEY, amount integer, said text);
CREATE TABLE delivery (item text, amount integer);
INSERT INTO stock VALUES ('a;', 1, '-'), ('b', 2, '-'), ('--', 3, '-');
INSERT INTO delivery VALUES ('a;', 10), ('c''d', 5), ('--', -3);
MERGE INTO stock AS s USING (SELECT item, amount FROM delivery WHERE item <> ';') AS d ON s.item = d.item
WHEN MATCHED AND s.amount + d.amount <= 0 THEN DELETE
WHEN MATCHED THEN UPDATE SET amount = CASE WHEN d.amount > 5 THEN s.amount + d.amount ELSE 0 END, said = 'more;'
WHEN NOT MATCHED AND d.item = ';' THEN DO NOTHING
WHEN NOT MATCHED THEN INSERT (item, amount, said) VALUES (d.item, d.amount, 'new; ''' || d.item || '''');
