-- statements: 6
-- Windows wrote this.
CREATE TABLE windows (id integer, said text);
INSERT INTO windows VALUES (1, 'a;b'), -- one; comment
    (2, 'C:\');
CREATE FUNCTION windows_function() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    -- a comment; it's here
    RETURN 'two;
lines';
END
$$;
COPY windows FROM stdin;
3	c;d
4	\\.
\.
COPY windows FROM stdin (FORMAT csv);
5,"two;
lines"
\.
INSERT INTO windows VALUES (6, windows_function() || 'one'
    ' more;');
