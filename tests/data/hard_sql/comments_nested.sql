-- statements: 4
/* outer; /* inner; /* innermost */ still 'inner */ still "outer; $$ */
CREATE TABLE commented (id integer /* ; */, said text /* /* DEFAULT 'x' */ ; */ DEFAULT /* ' */ 'y');
/**/INSERT INTO commented VALUES (1, '/* not; a comment */')/***/;/*/*/**/*/*/
INSERT INTO commented VALUES (2, '*/'), (3, /* -- */ '/*');
/*
 * /* -- */
 * INSERT INTO commented VALUES (4, 'never');
 */
INSERT INTO commented (id) VALUES /*/ */ (5) /* the end; */ /* without a last line */;
/* last; /* one */ */
