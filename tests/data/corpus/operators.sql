-- Operators, those most of all whose characters look like comments, quotes or parameters.
SELECT 1 - - 2, 1 + - + 3, - - - 4, 5 - -6;
SELECT 1 @ 2, @ -1, |/ 25, ||/ 27, 5 ! 6, !! 'a', ~ 5, 1 # 2, 2 ^ 3;
SELECT a -> 'b', a ->> 'b;', a #> '{a,;}', a #>> '{}', a #- '{a}', a - 'b' FROM t;
SELECT a @> b, a <@ b, a ? 'b', a ?| array['c;'], a ?& array['d'], a @? '$.a', a @@ '$.b' FROM t;
SELECT a || b, a && b, a & b, a | b, a << b, a >> b, a &< b, a &> b, a -|- b FROM t;
SELECT a ~ '^;', a ~* ';', a !~ ';', a !~* ';$', a ~~ '%;', a !~~ '_;', a ~~* ';', a ^@ ';' FROM t;
SELECT a <-> b, a <#> b, a <=> b, a <+> b, a <% b, a %> b, a <<% b, a %>> b, a <<-> b FROM t;
SELECT 1 @-@ 2, a ## b, a ?- b, a ?# b, a ?|| b, a ?-| b, a ~= b, a ##~ b FROM t;
SELECT 1 @-- a comment; after an operator '
  2;
SELECT 1 */* a comment; after a star ' */ 2;
SELECT 1 +/* ; ' */- 2, 3 <-- ; '
  4, 5 @@@/* ; /* ; */ */ 6;
SELECT 1 /- 2, 1 */ 2, 1 *- 2, 1 @/ 2, 1 @* 2;
SELECT a <> b, a != b, a >= b, a <= b, a = -1, a =- 1, a <-1, a >-1 FROM t;
SELECT a operator(pg_catalog.+) b, a OPERATOR(s.@-) b, operator(s.!) c FROM t;
SELECT 1+1, 1-1, 1*1, 1/1, 1%1, 1^1, (1)-(1), 'a'||'b', $1-$2, "a"-"b";
SELECT ARRAY[1,2]||3, (ARRAY[[1],[2]])[1][1], (ARRAY[1,2,3])[2:3], a[1:2], a[:2], a[1:], a[:] FROM t;
SELECT a::text, a::numeric(10, 2), a::timestamp(3) with time zone, '1'::int[], a::"t;"."u;" FROM t;
SELECT CAST(a AS double precision), cast(';' AS varchar(3)), int4(a), 'x'::character varying FROM t;
SELECT a[b::int:c::int], a[-1:-2], a[i : j], a[1:n] FROM t;
SELECT f(a => 1, b := ';', VARIADIC c => ARRAY[';']), g(1, VARIADIC ARRAY[';']);
SELECT 1 < 2, '<'||'>', 1 ` 2, ` 3, 4 `` 5 FROM t;
SELECT a AT TIME ZONE 'UTC;', a AT LOCAL, a COLLATE "de;DE", a IS DISTINCT FROM b FROM t;
SELECT a BETWEEN SYMMETRIC 1 AND 2, a NOT IN (1, 2), a ILIKE ';' ESCAPE '\', a SIMILAR TO ';' FROM t;
SELECT a = ANY (ARRAY[';']), a <> ALL (SELECT ';'), a LIKE ANY ('{;}'), (a, b) OVERLAPS (c, d) FROM t;
