-- finds: function public.area(public.rooms) is missing
-- also: function public.area(public.rooms, factor numeric) was not there before
DROP FUNCTION area(rooms);
