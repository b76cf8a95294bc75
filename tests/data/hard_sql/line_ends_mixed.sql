-- statements: 4
CREATE TABLE mixed (id integer, said text); -- it's; 
INSERT INTO mixed VALUES (1, 'unix;
end'), (2, 'windows;
end'), (3, E'escaped\r\n;');
CREATE FUNCTION mixed_function() RETURNS text LANGUAGE sql AS $$
  SELECT 'a;'
  'b'; -- c
$$;
INSERT INTO mixed SELECT 4, mixed_function();