-- statements: 7
-- What only looks like COPY FROM stdin, or hides that it is one.
CREATE SCHEMA "from";
CREATE TABLE "from".stdin (stdin text, "from stdin" text, "to" text);
COPY "from".stdin ("from stdin", stdin, "to") FROM stdin NULL 'FROM stdin;';
FROM stdin;	a	x
b	stdin;	\\.
\.
INSERT INTO "from".stdin SELECT stdin, 'COPY x FROM stdin;', "to" FROM "from".stdin;
CREATE FUNCTION copy_nothing() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN 'COPY "from".stdin FROM stdin;
1	2	3
\.
';
END $$;
CREATE TABLE copy (copy text DEFAULT copy_nothing());
INSERT INTO copy DEFAULT VALUES;
