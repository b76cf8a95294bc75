-- statements: 15
SET LOCAL search_path = '';
CREATE TABLE public.settings (name text, value text);
SET search_path TO public, "sche;ma", pg_catalog;
INSERT INTO settings VALUES ('search_path', current_setting('search_path'));
SET LOCAL TIME ZONE 'Asia/Kolkata';
SET datestyle TO 'German, DMY';
INSERT INTO settings VALUES ('time', timestamptz '2024-01-01 00:00:00Z' || ';');
SET my.setting = 'it''s; --';
SELECT set_config('my.other', $$a;b$$, true);
INSERT INTO settings VALUES ('mine', current_setting('my.setting') || current_setting('my.other'));
RESET datestyle;
SET CONSTRAINTS ALL DEFERRED;
SET SESSION AUTHORIZATION DEFAULT;
CREATE FUNCTION with_settings() RETURNS text LANGUAGE sql SET my.setting = 'in; function' SET search_path FROM CURRENT AS $$ SELECT current_setting('my.setting') $$;
INSERT INTO settings VALUES ('function', with_settings()), ('date', (date '2024-02-01')::text);
