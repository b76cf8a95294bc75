-- statements: 3
/* a; /* comments do not nest here; ' */
CREATE /* ; */ TABLE -- ;
c (id INTEGER /* ' */, said TEXT); --; "
/**/INSERT INTO c VALUES (1, '/*'), (2, '*/') /***/; -- it's
--
--;'
INSERT INTO c VALUES (3, '--;') -- the end; has no line end