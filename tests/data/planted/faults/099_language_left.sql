-- finds: language plfoo was not there before
CREATE LANGUAGE plfoo HANDLER plpgsql_call_handler;
