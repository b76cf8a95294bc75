ALTER SERVER near OPTIONS (SET host 'b', ADD port '1');
CREATE FOREIGN TABLE far_away (id integer) SERVER near;
