CREATE SCHEMA extra; CREATE TABLE extra.a (id integer);
