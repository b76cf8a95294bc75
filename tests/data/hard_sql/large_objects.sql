-- statements: 4
SELECT lo_from_bytea(424242, '\x3b2d2d27'), lo_from_bytea(424243, E'it\'s;');
COMMENT ON LARGE OBJECT 424242 IS 'lar;ge -- object';
GRANT SELECT ON LARGE OBJECT 424242 TO PUBLIC;
SELECT lo_put(424243, 4, 'a;b');
