-- Every kind of string literal, with the characters in it that would end a statement elsewhere.
SELECT ';', 'it''s; fine', '''', '', ''';';
SELECT 'a backslash is plain\', 'so is this: \', ';', '\''; \';
SELECT 'two
lines;
and -- no comment, /* none either';
SELECT E'it\'s; fine', E'\\', E'\';\'', e'\n\t\b\f\r;', E'';
SELECT E'\x41\101\u00e9\U0001F600;', E'ends in two\\';
SELECT E'doubled '' and escaped \' quote;';
SELECT U&'d\0061t\+000061;', U&'\\ is one; ', u&'small letter;';
SELECT U&'d!0061t!+000061;' UESCAPE '!', u&'; d#0061' uescape '#';
SELECT B'0101', b'', X'1FF', x'', N'national;', n'it''s';
SELECT 'one'
  ' literal;'
  ' on three lines;';
SELECT U&'uni\0063ode;'
  '; goes on \0064';
SELECT B'01'
  '10', X'1f'
  'F0';
SELECT N'na'
  'tion;';
SELECT 'plain'
  'goes on \', ';', E'then\';';
SELECT date '2024-02-29', DATE'2024-02-29;x' IS NULL, timestamp with time zone '2024-01-01 00:00+00';
SELECT interval '1 day' day to second(3), interval(3) '1;', float8 '1.5', "char" ';';
SELECT type ';\', ';' AS e FROM (VALUES (1)) v(type);
SELECT 1 AS e, e';\';', xe.e FROM xe;
SELECT nate';', re'a\', ';' FROM x;
SELECT _e';\', ';', "e"';\', ';', ée';\', ';', e1'\', ';';
SELECT 'quotes in "quotes"; and ''single'' ones', "a", 'and $$ dollars; $$ in it';
SELECT '😀; é ß 漢字', E'😀\';', U&'😀;';
SELECT 'a'||';'||E'\';'||$$;$$||B'1'||'';
