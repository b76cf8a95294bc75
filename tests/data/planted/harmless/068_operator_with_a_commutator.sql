CREATE OPERATOR <~~> (LEFTARG = integer, RIGHTARG = integer, FUNCTION = same, COMMUTATOR = >~~<);
