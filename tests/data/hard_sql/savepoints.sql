-- statements: 13
CREATE TABLE saved (id integer PRIMARY KEY, said text);
SAVEPOINT one;
INSERT INTO saved VALUES (1, 'gone;');
ROLLBACK TO SAVEPOINT one;
INSERT INTO saved VALUES (2, 'stays;');
SAVEPOINT "two; commit";
INSERT INTO saved VALUES (3, 'gone, too');
ROLLBACK WORK TO "two; commit";
RELEASE SAVEPOINT "two; commit";
RELEASE one;
SAVEPOINT three;
INSERT INTO saved VALUES (4, 'SAVEPOINT four;');
ROLLBACK TRANSACTION TO SAVEPOINT three;
