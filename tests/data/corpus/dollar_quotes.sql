-- Dollar quotes, their tags, and dollars that quote nothing.
SELECT $$;$$, $$$$, $$ ' " -- /* \ $$, $$
;
$$;
SELECT $a$;$a$, $a$ $$; $$ $a$, $a$ $b$;$b$ $a$, $A$ $a$; $A$;
SELECT $été$;$été$, $漢字$;$漢字$, $_$;$_$, $_1$;$_1$, $a1_$;$a1_$;
SELECT $a$ $; $a $aa$; $a; $a$, $a$$a$, $a$ a$a$;
SELECT $1, $2, $3::text, $1 + $2, $1-$2, $10;
SELECT $1 , $$;$$ , $2 ;
SELECT a$b$c, a$$b, a$1, _$ FROM t$;
SELECT $$a$$, $$b;$$||$$;c$$||$x$;$x$;
SELECT ($$;$$), f($$;$$), -$$;$$;
SELECT $q$it's; "here"$q$, '$q$;', "$q$;" FROM t;
SELECT 'a;$$', '$$;', "$$;", $$';"$$, E'$$;\'$$' FROM t;
DO $$ BEGIN RAISE NOTICE ';'; END $$;
DO $do$ BEGIN EXECUTE $x$ SELECT ';' $x$; PERFORM $$;$$; END; $do$ LANGUAGE plpgsql;
DO LANGUAGE plpgsql $$ DECLARE a int := 1; BEGIN NULL; END $$;
DO 'BEGIN PERFORM '';''; END';
DO E'BEGIN PERFORM \';\'; END';
DO $$
-- a comment; in the body '
BEGIN
  /* COMMIT; */
  IF true THEN
    PERFORM 1;
  END IF;
END
$$;
DO $body$begin for i in 1..3 loop raise notice '%', i; end loop; end$body$;
SELECT $$ -- ; $$; -- $$ ;
SELECT /* $$ ; */ 1; -- $a$
SELECT 'x'; -- $a$ ;
