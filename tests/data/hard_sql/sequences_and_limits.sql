-- statements: 8
CREATE SEQUENCE "num;bers" AS smallint INCREMENT -5 MINVALUE -100 MAXVALUE 100 START 50 CYCLE;
SELECT nextval('"num;bers"'), nextval('public."num;bers"'::regclass);
CREATE TABLE numbered (id smallint DEFAULT nextval('"num;bers"') PRIMARY KEY, price numeric DEFAULT 1.5e-3, n bigint DEFAULT 9223372036854775807, f float8 DEFAULT .5, g float8 DEFAULT 1.);
ALTER SEQUENCE "num;bers" OWNED BY numbered.id;
INSERT INTO numbered (price) VALUES (1e10), (-.5e+2), ('NaN'), ('-Infinity;'::varchar(9)::numeric);
SELECT setval('"num;bers"', 7, false), lastval();
INSERT INTO numbered (id) VALUES (nextval('"num;bers"')), (DEFAULT);
CREATE SEQUENCE tail NO CYCLE OWNED BY NONE;
