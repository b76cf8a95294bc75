-- statements: 7
-- Every character beyond ASCII is a letter to the server: blanks, semicolons and quotes of other scripts, too.
CREATE TABLE café_été (größe integer, 名前 text, имя text, "ö;ü" text, اسم text, 🚀 integer, é text, no break text, full；stop text);
INSERT INTO café_été VALUES (1, '日本;語', 'имя; --', 'ä', 'نص;', 2, 'é', 'a b', '；');
CREATE FUNCTION año(días integer) RETURNS text LANGUAGE sql AS $ñ$ SELECT días || ' día;$n$' $ñ$;
CREATE VIEW ſelect AS SELECT 名前 AS "；", no break AS ‘curly’, full；stop AS “double”, 🚀+1 AS 🧑‍🚀,  , a;b, é||';'AS ée FROM café_été, (SELECT 1 AS  , 2 AS a;b) AS x　;
CREATE TABLE ſavepoint AS SELECT año(3) AS año, 'ſ;' AS commıt;
COMMENT ON COLUMN café_été.🚀 IS '🚀; it''s “gone” — ¿no?';
CREATE INDEX "index;é" ON café_été (имя, (名前||'；;'));
