-- statements: 4
/* ; */ CREATE /* OR; */ TABLE -- IF NOT EXISTS ;
  opened /* ( */ (id integer);
CREATE -- a function;
OR /* BEGIN ATOMIC */ REPLACE
FUNCTION /* ; */ total(
    factor integer -- ;
) RETURNS bigint LANGUAGE sql
BEGIN -- ;
/* ; END */ ATOMIC
    SELECT sum(id) * factor FROM opened; -- END;
    /* END; */
END /* ; */;
/* COMMIT; */ INSERT /* ROLLBACK; */ INTO /* */ opened VALUES (1), (2) -- ;
;
COPY /* x TO */ opened /* FROM stdin; */ (id) FROM -- ;
    stdin /* ; */ ;
3
4
\.
