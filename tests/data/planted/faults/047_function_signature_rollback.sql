CREATE FUNCTION area(rooms, factor numeric DEFAULT 1) RETURNS numeric LANGUAGE sql AS 'SELECT $2';
