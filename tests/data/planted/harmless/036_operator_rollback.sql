DROP OPERATOR <==> (integer, integer);
