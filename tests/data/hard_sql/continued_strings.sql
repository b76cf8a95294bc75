-- statements: 3
-- Literals on several lines are one; the parts after the first have no prefix and keep its rules.
CREATE TABLE continued (id integer, said text);
INSERT INTO continued VALUES
    (1, 'one;'
        ' two;'

        ' three\'),
    (3, 'one' -- a comment; between isn't anything
        ' two;'),
    (4, U&'\0061;'
        '\0062\\');
INSERT INTO continued VALUES (5, B'1010'
        '0101'::text), (6, (X'1F'
        'A0')::text), (7, E'\\;'
  '--');
