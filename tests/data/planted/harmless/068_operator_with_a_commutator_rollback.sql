DROP OPERATOR <~~> (integer, integer);
