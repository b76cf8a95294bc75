-- statements: 3
;;;
CREATE TABLE sparse (id integer, said text);;; ; /* ; */ ;
;-- ;
INSERT INTO sparse VALUES (1, ';;;');;INSERT INTO sparse VALUES (2, $$;;$$);
;
	;
;;
