-- finds: aggregate public.sum_of(numeric): initial 0  →  100
DROP AGGREGATE sum_of(numeric);
