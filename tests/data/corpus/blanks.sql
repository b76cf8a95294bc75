-- Blank space of every kind, and characters that only look like it.
	SELECT1;	
SELECT	1


;
 	 ;
SELECT 1;SELECT 2;SELECT
3;;SELECT 4;
SELECT 'a'
'b;';
SELECT 1 AS a b, 2 AS c d, 3 AS ​z, 4 AS ﻿bom, 5 AS xy, 6 AS p q;
SELECT ' ;', $ $;$ $, " ;";
SELECT e '\', ';' FROM t;
SELECT  e'\', ';' FROM t;
SELECT 'one line'  	 ;
	BEGIN;COMMIT	;
CREATEFUNCTIONf()	RETURNS
intBEGINATOMIC	SELECT1;END;
CREATE FUNCTION g() RETURNS void
BEGIN


ATOMIC


SELECT 1
;


END


;
SELECT




1




