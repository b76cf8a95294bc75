-- statements: 5
-- The way before dollar quotes: every quote of a body is written twice.
CREATE FUNCTION greet(text) RETURNS text AS '
    SELECT ''it''''s '' || $1 || '';'' -- a comment; it''s in the body
' LANGUAGE 'sql';
CREATE FUNCTION shout(word text) RETURNS text LANGUAGE 'plpgsql' AS '
BEGIN
    IF word = '''' THEN RETURN ''\''; END IF;
    RETURN upper(word) || '''''';'''''';
END;';
DO 'BEGIN PERFORM greet(''a;b''); END;';
DO LANGUAGE plpgsql E'BEGIN\n  PERFORM shout(\'c;d\');\nEND;';
CREATE TABLE greeted AS SELECT greet('you') AS greeting, shout('no') AS shouted, shout('') AS nothing;
