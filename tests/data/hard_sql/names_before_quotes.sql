-- statements: 5
-- e, b, x, n and u alone are prefixes of literals; at the end of a longer word, or apart from the quote, they are not.
CREATE TABLE letters (e text, b text, x text, n text, u text, made date);
INSERT INTO letters VALUES ('e\', 'b\', 'x\', 'n\', 'u\', date'2024-02-29');
SELECT date'2024-01-01', time'10:00', interval'1 day', json'{"a": "b;"}', name'na;me\';
INSERT INTO letters (e, b, x) SELECT e||'\', b || E'\';' , x||';' FROM letters WHERE e='e\' AND u='u\' AND made=date'2024-02-29';
INSERT INTO letters (n, u) SELECT 'a'e, name'it;s\'::text FROM (SELECT 1 AS"one") AS q WHERE"one"=1;
