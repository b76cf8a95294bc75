-- statements: 4
CREATE TABLE quoting (id integer GENERATED ALWAYS AS IDENTITY, said text);
CREATE FUNCTION quote_everything(name text, value text) RETURNS SETOF text LANGUAGE plpgsql AS $function$
DECLARE
    command text := 'SELECT ''a;b'' || ' || quote_literal(value) || ' AS ' || quote_ident(name);
    "odd; name" text := E'line\n\'two\'';
    answer text;
BEGIN
    /* it's ; */ EXECUTE command INTO answer;
    RETURN NEXT answer;
    EXECUTE format('SELECT %L || $1 || $q$;$q$ AS %I', value, name) INTO answer USING '$2;';
    RETURN NEXT answer;
    EXECUTE 'SELECT $$it''s; dollar$$ || $1' INTO answer USING "odd; name";
    RETURN NEXT answer;
    EXECUTE $$SELECT 'in $a$ ;' || '$1' || ''''$$ INTO answer;
    RETURN NEXT answer;
    RETURN QUERY EXECUTE 'SELECT ' || quote_nullable(NULL) || '::text';
EXCEPTION
    WHEN syntax_error OR undefined_column THEN
        RAISE EXCEPTION 'no: % %%; %', SQLERRM, command USING HINT = 'it''s; quoted', ERRCODE = 'P0001';
END;
$function$;
INSERT INTO quoting (said) SELECT * FROM quote_everything('na"me;', 'val''ue;\');
COMMENT ON FUNCTION quote_everything(text, text) IS $$quotes 'everything'; even "$1"$$;
