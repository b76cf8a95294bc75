-- finds: sequence public.numbers was not there before
CREATE SEQUENCE numbers;
