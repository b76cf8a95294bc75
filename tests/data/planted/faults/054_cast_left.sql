-- finds: cast public.mood AS integer was not there before
-- also: function public.mood_number(public.mood) was not there before
CREATE FUNCTION mood_number(mood) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT length($1::text)';
CREATE CAST (mood AS integer) WITH FUNCTION mood_number(mood);
