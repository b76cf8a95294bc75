-- finds: operator class public.other_int_ops USING btree was not there before
-- also: operator family public.other_int_ops USING btree was not there before
CREATE OPERATOR CLASS other_int_ops FOR TYPE integer USING btree AS
  OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint4cmp(integer, integer);
