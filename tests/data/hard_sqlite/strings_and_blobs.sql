-- statements: 4
CREATE TABLE stuff (id INTEGER, said TEXT DEFAULT ';', raw BLOB DEFAULT x'3b2d2d27');
INSERT INTO stuff VALUES (1, 'it''s; -- "fine"', X'00FF'), (2, 'C:\', x''), (3, '\''; --', zeroblob(3)), (4, '/* no */', X'3B');
INSERT INTO stuff (id, said) VALUES (5, 'two;
lines'), (6, '$$;$$'), (7, '[;'), (8, '');
INSERT INTO stuff (id) VALUES (9);
