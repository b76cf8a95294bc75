-- finds: event trigger observe was not there before
CREATE EVENT TRIGGER observe ON ddl_command_end WHEN TAG IN ('CREATE OPERATOR') EXECUTE FUNCTION observed();
