-- statements: 5
--
--;
---- '
CREATE TABLE ends (id integer, said text);--; DROP TABLE ends;
-- /* no block begins here
INSERT INTO ends VALUES (1, 'a'); -- */ '
--"
INSERT INTO ends VALUES (2, -- it's; a "comment" $$ /*
    'b' --;
);
--$$
INSERT INTO ends VALUES (3, '--'), (4, 'c--d');--'
--E'\'
INSERT INTO ends VALUES (5, $$-- in a dollar quote
$$ /* ' */ || '--' -- '
    '*/');
--/* \
