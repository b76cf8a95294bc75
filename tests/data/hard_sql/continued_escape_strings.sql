-- statements: 3
-- The parts of an escape string that follow on other lines are escape strings, too, without another E.
CREATE TABLE resumed (id integer, said text);
INSERT INTO resumed VALUES
    (1, E'one\';'
        ' two\'; --'
        ' three\\'),
    (2, E'\\' -- a comment; it's allowed
'\';'
  '\''), (3, 'plain\'
    'stays\');
INSERT INTO resumed VALUES (4, e''
    '\'); INSERT INTO resumed VALUES (5, \'');
