-- finds: type public.timerange was not there before
CREATE TYPE timerange AS RANGE (subtype = time);
