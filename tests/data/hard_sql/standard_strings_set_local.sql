-- statements: 5
CREATE TABLE quoted (id integer, said text);
SET LOCAL standard_conforming_strings TO 'off';
INSERT INTO quoted VALUES (1, 'don\'t; stop'), (2, E'don\'t; stop'), (3, $$don\'t; stop$$);
SET SESSION standard_conforming_strings = DEFAULT;
INSERT INTO quoted VALUES (4, 'stop; \'), (5, '\\');
