-- statements: 4
;;start /* a */ transaction
;
CREATE TABLE started (id integer);
INSERT INTO started VALUES (1), (2) -- ;
;
commit work and no chain;;
;
