DROP FOREIGN TABLE far_away;
ALTER SERVER near OPTIONS (DROP port, SET host 'a');
