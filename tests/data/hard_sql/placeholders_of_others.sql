-- statements: 6
-- What other tools would replace is text here, inside literals and outside.
CREATE TABLE "${table}" (":name" text, "{{ column }}" text DEFAULT '${default}', "?" text, "@p1" text);
INSERT INTO "${table}" VALUES (':name', '{{ x }}', '?', '@x'), (':''quoted''', '${flyway:timestamp}', '$1', '%(x)s'), ('$(sqlcmd)', '#{x}', '<%= x %>', '{0}'), ('#variable#', '__TOKEN__', '[[x]]', '&amp;');
CREATE FUNCTION placed(low integer, high integer DEFAULT 3) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    letters text[] := ARRAY['a', ':b', '${c}', 'd'];
    n integer:=2;
BEGIN
    n:=n+low; -- :name ${x} {{ y }} ?
    RETURN array_to_string(letters[low:high], ':')||letters[low :n]::text;
END $$;
CREATE TABLE placed_rows AS SELECT placed(low := 1, high => 2) AS named, (ARRAY[1,2,3])[1:2] AS slice, '{"a": "?"}'::jsonb?'a' AS asked;
COMMENT ON TABLE "${table}" IS ':comment ${x} {{ y }} ? $1 :"z"';
CREATE VIEW sliced AS SELECT a.l[a.i:a.i+1]AS two, a.l[a.i:]AS rest FROM (SELECT ARRAY[5,6,7] AS l, 2 AS i) AS a;
