-- statements: 4
-- é 日本 🚀 it's; a comment with a line separator ( ) and next line () and  ; in it
CREATE TABLE texts (id integer, said text, size integer GENERATED ALWAYS AS (length(said)) STORED);
INSERT INTO texts (id, said) VALUES (1, 'Zoë''s “café”; naïve'), (2, '漢字；かな;カナ'), (3, '👩‍👩‍👧‍👦;🇩🇪'), (4, 'é;é'), (5, 'שלום; עולם'), (6, 'مرحبا؛ --');
INSERT INTO texts (id, said) VALUES (7, 'a b c d;e
'), (8, $é$‮right to left; it's$é$), (9, E'\U0001F680;\'é'), (10, 'ﷺ𝔘𝔫𝔦;​'), (11, 'ΩΩ;;;'), (12, 'é;'); /* ü; /* ß */ ñ */
UPDATE texts SET said = upper(said) || ';ẞ' WHERE id IN (1, 7) AND said <> 'ß；';
