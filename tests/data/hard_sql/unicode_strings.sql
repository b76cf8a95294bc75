-- statements: 5
CREATE TABLE spelt (id integer, word text);
INSERT INTO spelt VALUES (1, U&'\0441\043B\043E\043D; \\'), (2, u&'d!0061t!+000061; \' UESCAPE '!'), (3, U&'it''s;');
INSERT INTO spelt VALUES (4, U&'d;0061t;0061' /* ; */ UESCAPE
    -- the escape character is a semicolon
    ';'), (5, U&'d-0061--' UESCAPE '-');
CREATE TABLE U&"d\0061t\+000061; a" (U&"c!006Fl;" UESCAPE '!' integer, U&"q""x" text);
INSERT INTO U&"d\0061ta; a" VALUES (1, U&'\\;\\'), (2, U&'a\0027; b');
