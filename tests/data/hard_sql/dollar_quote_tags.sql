-- statements: 4
-- Tags differ in case and in length; what looks like a tag inside is text.
CREATE FUNCTION tagged() RETURNS text LANGUAGE plpgsql AS $body$
DECLARE
    parts text[] := ARRAY['$Body$', '$body', 'body$', '$$', '$body_$'];
BEGIN
    -- a quote that isn't closed here; $BODY$ is another tag
    RETURN array_to_string(parts, ';');
END;
$body$;
CREATE FUNCTION one_letter() RETURNS text LANGUAGE sql AS $_$SELECT 'a;b' || $o1$;$o1$ || '$_';$_$;
CREATE TABLE tags (id integer, tag text DEFAULT $$it's; -- a "default"$$);
INSERT INTO tags VALUES (1, tagged()), (2, one_letter()), (3, DEFAULT), (4, $T1$;$T1$), (5, $$$$), (6, $a$$b$$a$);
