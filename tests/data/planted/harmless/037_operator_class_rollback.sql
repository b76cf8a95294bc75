DROP OPERATOR FAMILY more_int_ops USING btree;
