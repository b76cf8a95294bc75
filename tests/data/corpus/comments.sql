--first line; with a quote '
/* and a block; with a quote " */ SELECT 1;
SELECT 1 -- to the end; of the line '
  , 2 --
  , 3 ---- four; dashes
  , 4 --/* no block; begins here
;
SELECT /* a; /* nested; */ still; ' " $$ */ 1;
SELECT 1 /*/ not closed yet; */ + /**/ 2 /***/ + /****/ 3 /* ** / ; */;
SELECT /* -- no line comment; */ 1;
SELECT /* /* /* three; */ deep; */ */ 1/**/;/**/
SELECT/**/1/**/+/* ; */2/**/--;
;
SELECT 1 /* over
two; lines
*/ + 2
-- a comment before the semicolon;
/* and; another */
;
/* between; *//* statements; */-- all; of it
/**/
SELECT '/* no comment;' AS "-- none", $$ /* none; -- */ $$;
SELECT 'a' -- '; a quote in a comment
;
SELECT 1 /*;*/ ; -- after; it
;;; -- empty; statements
SELECT a -- comment right before the end
FROM t -- ;
WHERE true;
SELECT 1 /* \echo no command; \; */; -- \q neither
SELECT 5 * /* ; */ 2 / /* ; */ 3 - -- ;
  - 4;
SELECT 1-/* ; */-2, 3/-- ;
1, 4*/* ; */5, 6+/* ; */+7;
CREATE /* ; */ TABLE -- ;
  t /* ; */ (a /* ; ) */ int -- ; )
  ) /* ; */;
/* the last; one */ SELECT 'end' /* of; file */
