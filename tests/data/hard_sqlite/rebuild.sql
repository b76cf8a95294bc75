-- statements: 7
-- SQLite's own recipe for changing a table.
CREATE TABLE messages (id INTEGER PRIMARY KEY, role TEXT);
INSERT INTO messages VALUES (1, 'user;'), (2, 'it''s');
CREATE TABLE messages_new (id INTEGER PRIMARY KEY, role TEXT CHECK (role <> ';'), at TEXT DEFAULT '--');
INSERT INTO messages_new (id, role) SELECT id, role FROM messages;
DROP TABLE messages;
ALTER TABLE messages_new RENAME TO messages;
ALTER TABLE messages ADD COLUMN "no;te" TEXT DEFAULT 'n;o';
