-- A database that holds something of nearly every kind pg_dump can write, without extensions and without roles of its own.
-- Run it with psql as the role postgres in an empty UTF-8 database of a server 14 or newer.

SET client_min_messages = error;
SELECT current_setting('server_version_num')::int >= 150000 AS from_15,
       current_setting('server_version_num')::int >= 160000 AS from_16,
       current_setting('server_version_num')::int >= 170000 AS from_17,
       current_setting('server_version_num')::int >= 180000 AS from_18 \gset

COMMENT ON SCHEMA public IS 'It''s the "standard" schema; with a semicolon and a C:\path\';
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

CREATE SCHEMA shop;
CREATE SCHEMA "Odd; Name";
GRANT USAGE ON SCHEMA shop TO PUBLIC;
GRANT USAGE, CREATE ON SCHEMA shop TO pg_read_all_data WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO pg_read_all_data;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- types ------------------------------------------------------------------------------------------------------------

CREATE TYPE shop.mood AS ENUM ('happy', 'it''s fine', 'semi;colon', '\.', '--', '/*', '$$', 'größer', '🙂');
CREATE TYPE shop.address AS (street text, "end" text, zip character varying(10));
CREATE TYPE shop.shell;
CREATE TYPE shop.span AS RANGE (subtype = double precision, subtype_diff = float8mi);
CREATE DOMAIN shop.percentage AS numeric(5, 2) DEFAULT 0 NOT NULL
    CONSTRAINT percentage_sane CHECK (VALUE >= 0 AND VALUE <= 100);
CREATE DOMAIN shop.path AS text COLLATE "C" CHECK (VALUE ~ '^\\|^[^\\;]+$');
CREATE COLLATION shop.plain (LC_COLLATE = 'C', LC_CTYPE = 'C');
COMMENT ON TYPE shop.mood IS E'two\nlines; and a \\ backslash';
COMMENT ON DOMAIN shop.percentage IS '-- no comment';

-- functions of every quoting ------------------------------------------------------------------------------------------

CREATE FUNCTION shop.plus(a integer, b integer DEFAULT 1) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
        SELECT CASE WHEN a > 0 THEN CASE b WHEN 0 THEN a ELSE a + b END ELSE b END;
    END;
CREATE FUNCTION shop.one_expression(a integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN a + 1;
CREATE FUNCTION shop.holds_two_dollars() RETURNS text LANGUAGE sql AS $outer$ SELECT '$$; $_$ and $_X$'::text; $outer$;
CREATE FUNCTION shop.nested() RETURNS text LANGUAGE plpgsql AS $outer$
DECLARE
    answer text;
BEGIN
    -- an apostrophe isn't the end; nor is $$, nor this: \.
    EXECUTE $inner$ SELECT 'a;b' || $$c;d$$ $inner$ INTO answer;
    /* nor /* this */ ; */
    RETURN answer;
END;
$outer$;
CREATE FUNCTION shop.one_line() RETURNS text LANGUAGE sql AS 'SELECT E''it\''s; \\ fine''::text';
CREATE FUNCTION shop.ends_in_a_dollar() RETURNS text LANGUAGE sql AS $f$SELECT '$'$f$;
CREATE FUNCTION shop."Name; with $$"("in" integer, OUT "out;" integer) LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION shop.with_settings() RETURNS void LANGUAGE sql SECURITY DEFINER COST 12
    SET search_path = 'shop', 'pg_temp' SET work_mem = '4MB' AS 'SELECT';
CREATE FUNCTION shop.many(VARIADIC things text[]) RETURNS SETOF text LANGUAGE sql ROWS 5 AS 'SELECT unnest($1)';
CREATE FUNCTION shop.in_a_table(first integer) RETURNS TABLE (id integer, "end" text)
    LANGUAGE sql AS $$ SELECT $1, 'x;' $$;
CREATE FUNCTION shop.keep_best(state integer, item integer) RETURNS integer
    LANGUAGE sql IMMUTABLE AS 'SELECT greatest($1, $2)';
CREATE AGGREGATE shop.best(integer) (SFUNC = shop.keep_best, STYPE = integer, INITCOND = '0', PARALLEL = safe);
CREATE FUNCTION shop.same_end(a shop.address, b shop.address) RETURNS boolean
    LANGUAGE sql IMMUTABLE AS 'SELECT (a)."end" = (b)."end"';
CREATE OPERATOR shop.<->| (
    LEFTARG = shop.address, RIGHTARG = shop.address, FUNCTION = shop.same_end, COMMUTATOR = OPERATOR(shop.<->|)
);
CREATE FUNCTION shop.to_text(shop.address) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT ($1).street $$;
CREATE CAST (shop.address AS text) WITH FUNCTION shop.to_text(shop.address) AS ASSIGNMENT;
CREATE OPERATOR FAMILY shop.descending USING btree;
CREATE OPERATOR CLASS shop.descending FOR TYPE integer USING btree FAMILY shop.descending AS
    OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 btint4cmp(integer, integer);
CREATE CONVERSION shop.to_latin FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1;
CREATE ACCESS METHOD second_heap TYPE TABLE HANDLER heap_tableam_handler;
CREATE TEXT SEARCH DICTIONARY shop.stems (TEMPLATE = pg_catalog.snowball, language = 'english', stopwords = 'english');
CREATE TEXT SEARCH CONFIGURATION shop.search (COPY = pg_catalog.simple);
ALTER TEXT SEARCH CONFIGURATION shop.search ALTER MAPPING FOR word, asciiword WITH shop.stems, simple;
CREATE FOREIGN DATA WRAPPER elsewhere OPTIONS (note 'it''s; \ odd');
CREATE SERVER far TYPE 'x' VERSION '1;2' FOREIGN DATA WRAPPER elsewhere OPTIONS (host 'nowhere', port '1');
CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS ("user" 'nobody');
CREATE FOREIGN TABLE shop.far_away (id integer OPTIONS (at '1') NOT NULL, name text) SERVER far OPTIONS (t 'a;b');

-- tables ---------------------------------------------------------------------------------------------------------------

CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY (START WITH 100 INCREMENT BY 5) PRIMARY KEY,
    email text NOT NULL CONSTRAINT users_email_key UNIQUE,
    feeling shop.mood DEFAULT 'it''s fine'::shop.mood,
    home shop.address,
    share shop.percentage,
    shout text GENERATED ALWAYS AS (upper(email)) STORED,
    "end" date DEFAULT '2025-01-01'::date,
    CONSTRAINT users_email_has_no_backslash CHECK (email !~ '\\')
);
INSERT INTO users (email, feeling, home, share, "end") VALUES
    ('ann@example.org', 'happy', ROW('1; Main St', E'a\\b', 'X'), 12.5, NULL),
    ('bob@example.org', '\.', NULL, 0, '2025-02-03'),
    ('jürgen@example.org', '🙂', ROW('', NULL, '"q"'), 99.99, '0044-03-15 BC'),
    ('o''hara@example.org', NULL, ROW(E'tab\there', E'new\nline', ','), 50, 'infinity');

CREATE TABLE texts (id integer PRIMARY KEY, body text COLLATE shop.plain, raw bytea, tags text[], doc jsonb, "order" xid8);
INSERT INTO texts (id, body, raw, tags, doc) VALUES
    (1, E'tab\tnewline\nbackspace\bfeed\fvertical\013back\\slash', '\x00ff5c2e0a', ARRAY['a,b', 'c"d', E'e\\f', NULL, '{}'], '{"a": "b\\c\n"}'),
    (2, E'\\.', '\x5c2e', '{}', '[]'),
    (3, E'\\.\n\\.\n\\q', E'\\\\.', ARRAY[E'\\.'], '"\\."'),
    (4, '', '', ARRAY[''], 'null'),
    (5, NULL, NULL, NULL, NULL),
    (6, '\N', NULL, ARRAY['NULL', NULL], '{"text": "\\N"}'),
    (7, E'--; /* no comment \n$$ no quote\n''; DROP TABLE users; --', NULL, NULL, NULL),
    (8, 'Grüße, 世界 🙂 e' || chr(769) || ' ' || chr(8232) || chr(133) || chr(65279) || '|', NULL, NULL, '{"🙂": "é"}'),
    (9, E'\\connect other\n\\! ls\nBEGIN;\nCOMMIT;\nCOPY users FROM stdin;', NULL, NULL, NULL),
    (10, repeat(E'long \\ line; ', 120), decode(repeat('5c2e0a', 100), 'hex'), NULL, NULL),
    (11, '%s %(name)s :name :''name'' ${HOME} {{ x }} ?', NULL, NULL, NULL);

CREATE TABLE nothing_in_here (id integer, "; DROP" text, "a""b" text);
CREATE TABLE without_columns ();
INSERT INTO without_columns DEFAULT VALUES;
CREATE UNLOGGED TABLE "Odd; Name"."Table -- with 'quotes' $$" (
    "column ""x""; -- y" integer DEFAULT 1,
    "/* c" text DEFAULT '/*'
);
INSERT INTO "Odd; Name"."Table -- with 'quotes' $$" VALUES (1, '/* a'), (2, E'*/\\');
CREATE TABLE shop.other_storage (id integer) USING second_heap WITH (fillfactor = 70);
INSERT INTO shop.other_storage VALUES (7);

CREATE SEQUENCE shop.numbers AS smallint START 10 INCREMENT BY -3 MINVALUE -100 MAXVALUE 100 CYCLE CACHE 5;
SELECT nextval('shop.numbers');
CREATE TABLE shop.items (
    id serial PRIMARY KEY,
    number integer DEFAULT nextval('shop.numbers'),
    price numeric CHECK (price > 0) NO INHERIT,
    during tsrange,
    owner_id bigint REFERENCES users (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
    parent_id integer REFERENCES shop.items (id),
    words tsvector,
    EXCLUDE USING gist (during WITH &&)
);
INSERT INTO shop.items (price, during, owner_id, parent_id, words) VALUES
    (1.50, '[2025-01-01, 2025-02-01)', 100, 2, to_tsvector('shop.search', 'running cats')),
    (2, NULL, NULL, NULL, NULL);
CREATE TABLE shop.book (pages integer, note text) INHERITS (shop.items);
INSERT INTO shop.book (price, pages, note) VALUES (3, 200, E'a\\nb');

CREATE TABLE events (at timestamptz NOT NULL, kind text NOT NULL, payload json) PARTITION BY RANGE (at);
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2025-01-01 00:00+00');
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01 00:00+00') TO (MAXVALUE)
    PARTITION BY LIST (kind);
CREATE TABLE events_2025_a PARTITION OF events_2025 FOR VALUES IN ('a;', 'it''s');
CREATE TABLE events_2025_rest PARTITION OF events_2025 DEFAULT;
CREATE INDEX events_kind_idx ON events (kind, at DESC NULLS LAST) INCLUDE (at);
INSERT INTO events VALUES ('2024-05-01 12:00+00', 'a;', '{"a":1}'), ('2025-05-01 12:00+00', 'a;', NULL), ('2026-01-01 00:00+00', 'z', '[1, 2]');

CREATE INDEX users_end_idx ON users ("end") WHERE email <> 'x;y';
CREATE INDEX users_lower_idx ON users (lower(email) text_pattern_ops);
CREATE UNIQUE INDEX items_descending_idx ON shop.items (id shop.descending);
ALTER TABLE users REPLICA IDENTITY USING INDEX users_email_key;
ALTER TABLE shop.items CLUSTER ON items_descending_idx;
ALTER TABLE texts ALTER COLUMN body SET STORAGE EXTERNAL, ALTER COLUMN body SET STATISTICS 500;
ALTER TABLE shop.items ADD CONSTRAINT items_number_small CHECK (number < 1000) NOT VALID;
CREATE STATISTICS shop.item_stats (dependencies, ndistinct) ON number, price FROM shop.items;
CREATE STATISTICS shop.expression_stats ON (price * 2), (id + 1) FROM shop.items;

-- views, rules, triggers, policies ------------------------------------------------------------------------------------------

CREATE VIEW shop.busy AS
    SELECT u.id, u."end", CASE WHEN u.email LIKE '%;%' THEN 'x' ELSE E'it''s \\' END AS "case;"
    FROM users u WHERE u.feeling <> 'semi;colon' WITH LOCAL CHECK OPTION;
CREATE VIEW shop.circular AS SELECT id FROM users GROUP BY users.id HAVING count(*) > 0 ORDER BY users."end";
CREATE MATERIALIZED VIEW shop.totals AS SELECT owner_id, sum(price) AS "end" FROM shop.items GROUP BY owner_id;
CREATE MATERIALIZED VIEW shop.not_filled AS SELECT 1 AS one WITH NO DATA;
CREATE UNIQUE INDEX totals_owner_idx ON shop.totals (owner_id);
CREATE RECURSIVE VIEW shop.tree (id, depth) AS
    SELECT id, 0 FROM shop.items WHERE parent_id IS NULL
    UNION ALL SELECT i.id, t.depth + 1 FROM shop.items i JOIN tree t ON i.parent_id = t.id;
CREATE TABLE log (id integer GENERATED BY DEFAULT AS IDENTITY, line text);
CREATE RULE log_it AS ON INSERT TO nothing_in_here DO ALSO
    (INSERT INTO log (line) VALUES ('a;b'); INSERT INTO log (line) VALUES (NEW."; DROP"););
CREATE RULE keep AS ON DELETE TO log DO INSTEAD NOTHING;
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN NEW."end" := CASE WHEN NEW."end" IS NULL THEN now()::date ELSE NEW."end" END; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER users_touch BEFORE UPDATE OF email ON users
    FOR EACH ROW WHEN (OLD.email IS DISTINCT FROM NEW.email) EXECUTE FUNCTION shop.touch('a;b', E'c\\d', 'it''s');
CREATE CONSTRAINT TRIGGER users_later AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION shop.touch();
ALTER TABLE users DISABLE TRIGGER users_later;
CREATE FUNCTION shop.watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 1; END $$;
CREATE EVENT TRIGGER watch_ddl ON ddl_command_end WHEN TAG IN ('CREATE SEQUENCE', 'DROP SEQUENCE')
    EXECUTE FUNCTION shop.watch();
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON users FOR UPDATE TO pg_monitor USING (email = CURRENT_USER) WITH CHECK (email <> ';''');
CREATE POLICY look ON users AS RESTRICTIVE FOR SELECT USING (true);
CREATE PROCEDURE shop.work(n integer, INOUT done boolean DEFAULT false) LANGUAGE sql
    BEGIN ATOMIC
        INSERT INTO public.log (line) SELECT u."end"::text FROM public.users u WHERE u.id = n;
        UPDATE public.log SET line = CASE line WHEN 'x;' THEN 'y' END WHERE id = n;
        SELECT true;
    END;
CREATE PROCEDURE shop.commits() LANGUAGE plpgsql AS $$ BEGIN COMMIT; BEGIN NULL; END; ROLLBACK; END; $$;
CREATE PUBLICATION chosen FOR TABLE users, shop.items WITH (publish = 'insert, update');
CREATE PUBLICATION every FOR ALL TABLES;

GRANT SELECT (id, email), UPDATE ("end") ON users TO pg_monitor;
GRANT ALL ON texts TO PUBLIC;
REVOKE ALL ON log FROM postgres;
GRANT EXECUTE ON PROCEDURE shop.commits() TO pg_monitor;
GRANT USAGE ON TYPE shop.mood TO pg_monitor;
GRANT USAGE ON SEQUENCE shop.numbers TO pg_monitor WITH GRANT OPTION;
GRANT USAGE ON FOREIGN SERVER far TO pg_monitor;
COMMENT ON TABLE users IS E'first line\n\\.\n\\connect nowhere\n-- third; it''s';
COMMENT ON COLUMN users."end" IS '$$';
COMMENT ON FUNCTION shop.nested() IS '/* not a comment';
COMMENT ON CONSTRAINT users_email_key ON users IS '';
COMMENT ON COLUMN users.email IS 'Grüße 🙂';

-- what newer servers know ----------------------------------------------------------------------------------------------------

\if :from_15
    CREATE TABLE newer_15 (a integer, b integer, UNIQUE NULLS NOT DISTINCT (a));
    CREATE VIEW safe WITH (security_invoker = true) AS SELECT id FROM users;
    CREATE PUBLICATION filtered FOR TABLE newer_15 (a) WHERE (a > 0);
    CREATE PUBLICATION whole_schema FOR TABLES IN SCHEMA "Odd; Name";
    CREATE FUNCTION merged(n integer) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        MERGE INTO newer_15 t USING (SELECT n AS a) s ON t.a = s.a
            WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (s.a, 0);
    END $$;
    INSERT INTO newer_15 VALUES (1, NULL), (NULL, 2);
\endif
\if :from_16
    CREATE TABLE newer_16 (a text STORAGE EXTERNAL, b integer DEFAULT 0x1_F);
    CREATE VIEW json_16 AS SELECT JSON_ARRAY(1, ';' ABSENT ON NULL) AS doc, '{"end": 1}' IS JSON OBJECT AS ok;
\endif
\if :from_17
    CREATE FUNCTION merged_atomic(n integer) RETURNS void LANGUAGE sql
        BEGIN ATOMIC
            MERGE INTO public.newer_15 t USING (SELECT n AS a) s ON t.a = s.a
                WHEN NOT MATCHED BY SOURCE THEN UPDATE SET b = CASE WHEN t.b > 0 THEN 1 ELSE 2 END
                WHEN NOT MATCHED THEN INSERT (a, b) VALUES (s.a, 0);
        END;
    CREATE TABLE identity_in_partitions (id integer GENERATED ALWAYS AS IDENTITY, k integer) PARTITION BY HASH (k);
    CREATE TABLE identity_in_partitions_0 PARTITION OF identity_in_partitions FOR VALUES WITH (MODULUS 1, REMAINDER 0);
    INSERT INTO identity_in_partitions (k) VALUES (5), (6);
    CREATE VIEW json_17 AS SELECT j.* FROM JSON_TABLE('[{"a;": 1}]', '$[*]' COLUMNS ("end" integer PATH '$."a;"')) j;
    CREATE COLLATION shop.builtin (PROVIDER = builtin, LOCALE = 'C.UTF-8');
\endif
\if :from_18
    CREATE TABLE newer_18 (
        id int4range, at daterange, n integer CONSTRAINT "n; given" NOT NULL NO INHERIT,
        twice integer GENERATED ALWAYS AS (n * 2) VIRTUAL,
        EXCLUDE USING gist (at WITH &&)
    );
    ALTER TABLE newer_18 ADD CONSTRAINT at_given NOT NULL at NOT VALID;
    INSERT INTO newer_18 VALUES ('[1,2)', '[2025-01-01,2025-01-02)', 4);
    ALTER TABLE newer_18 ADD CONSTRAINT n_positive CHECK (n > 0) NOT ENFORCED;
\endif

REFRESH MATERIALIZED VIEW shop.totals;
