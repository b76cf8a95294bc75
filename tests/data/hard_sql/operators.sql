-- statements: 7
-- A run of operator characters ends where a comment begins; a minus ends one only with the right company.
CREATE TABLE numbers (id integer, low integer, high integer);
INSERT INTO numbers VALUES (1, 8, -2), (2, 8 /-2, @ -5), (3, 8 -(-2), @-- comment; ' begins
    -7), (4, 7 %(-3), 2^3), (5, @/* ; */-9, -- ;
    |/ 25), (6, 5-/* ; */3, - -1), (7, +-1, 4*-1);
CREATE FUNCTION apart(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT abs($1 - $2);';
CREATE OPERATOR <-@- (LEFTARG = integer, RIGHTARG = integer, FUNCTION = apart, COMMUTATOR = <-@-);
CREATE OPERATOR #%? (LEFTARG = integer, RIGHTARG = integer, FUNCTION = apart);
COMMENT ON OPERATOR <-@- (integer, integer) IS 'how far apart; --';
CREATE VIEW compared AS
    SELECT id, low <-@- high AS far, low<-@-/* ; */1 AS near, 1-low-- ;
    +1 AS less, low #%? high AS mod, low <> -1 AS other
    FROM numbers WHERE false;
