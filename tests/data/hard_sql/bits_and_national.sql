-- statements: 3
CREATE TABLE flags (id integer, bits bit varying(64), code bit(8) DEFAULT b'10101010', said text DEFAULT N'nat;ional');
INSERT INTO flags (id, bits) VALUES (1, B'1010'), (2, x'1fF'), (3, b''), (4, X'' || B'1');
INSERT INTO flags VALUES (5, ~B'1010', (~x'0F')::bit(8), n'it''s; \'), (6, B'1'||B'0', X'FF'&B'00001111', N'');
