-- statements: 4
CREATE TABLE shapes (id integer, at point, tags jsonb, span int4range, said text);
INSERT INTO shapes VALUES (1, '(1,2)', '{"a": [1, "?"]}', '[1,9)', 'a;b'), (2, point(3,4), '["a"]', '(,5]', '?');
CREATE VIEW judged AS
    SELECT id, at <-> '(0,0)' AS far, at <@ box '((0,0),(2,2))' AS inside, tags ? 'a' AS a, tags ?| '{a,b}' AS any_of,
        tags ?& ARRAY['a', ';'] AS all_of, tags @? '$.a[*] ? (@ == 1)' AS path, tags @@ '$.a[0] == 1' AS is, tags #>> '{a,1}' AS deep,
        span && '[2,3]' AS meets, span -|- '[9,10)' AS touches, span << '[10,11)' AS before, span &< '[1,20)' AS till,
        said !~~* '%;%' AS unlike, said ~ '\?' AS matches, said ^@ 'a;' AS begins, ?- lseg(at, point '(0,2)') AS flat, @-@ lseg(at, '(0,0)') AS long
    FROM shapes;
CREATE INDEX shapes_marked ON shapes ((tags ? 'a;b')) WHERE said IS DISTINCT FROM '?;';
