-- statements: 2
;;;
CREATE TABLE sparse (id INTEGER, said TEXT);;; /* ; */ ;
-- ;
INSERT INTO sparse VALUES (1, ';;;');
;
