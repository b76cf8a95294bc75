-- statements: 5
CREATE TABLE patterns (id integer PRIMARY KEY, value text CHECK (value !~ '^\s*;--\s*$'));
INSERT INTO patterns VALUES (1, 'a_b;'), (2, '50%'), (3, 'c:\dir'), (4, $$it's$$), (5, '((');
CREATE VIEW matches AS
    SELECT id FROM patterns WHERE value LIKE '%\_%' ESCAPE '\' OR value LIKE '%;' OR value LIKE '%!%' ESCAPE '!'
    UNION ALL SELECT id FROM patterns WHERE value ~ '^\(\(' OR value ~* E'^IT\'' OR value SIMILAR TO '%(;|\\)%';
CREATE TABLE matched AS SELECT id FROM matches ORDER BY id;
DELETE FROM patterns WHERE value LIKE '\' ESCAPE '' OR value = '\''';--';
