-- statements: 4
CREATE TABLE lists (id integer, words text[], grid integer[][], pair int4range);
INSERT INTO lists VALUES (1, '{"a;b","c\"d;",it''s,"\\",NULL,"--"}', '{{1,2},{3,4}}', '[1,5)'), (2, ARRAY['$$', ';', E'\''], ARRAY[[1],[2]], int4range(2, 3));
UPDATE lists SET words[2:3] = ARRAY['x;', 'y'], grid[1][1] = 9 WHERE words[1] = 'a;b' AND 3 = ANY (grid[2:2]);
CREATE VIEW slices AS SELECT id, words[1:2] AS firsts, words[:id] AS some, words[id:] AS rest, grid[1:1][1:2] AS corner FROM lists;
