-- statements: 4
CREATE TABLE people (
    id INTEGER PRIMARY KEY AUTOINCREMENT, first TEXT NOT NULL CHECK (first <> ');'), last TEXT DEFAULT (';' || '--'),
    full_name TEXT GENERATED ALWAYS AS (first || '; ' || CASE WHEN last = ';' THEN '(' ELSE last END) STORED,
    initials TEXT AS (substr(first, 1, 1) || ';') VIRTUAL, CONSTRAINT "no;" UNIQUE (first, last)
) STRICT;
INSERT INTO people (first) VALUES ('Ann;'), ('Bo');
INSERT INTO people (first, last) VALUES ('Cy', 'O''Neil;');
CREATE UNIQUE INDEX "named;" ON people (full_name COLLATE NOCASE DESC, (first || ';')) WHERE last IS NOT ';';
