-- statements: 0
-- Nothing to do here yet; the columns were made by hand in March.
/* CREATE TABLE never (id integer);
   /* COMMIT; */
*/
;
-- SELECT 1;
 ; ;
/* the end */ -- really
