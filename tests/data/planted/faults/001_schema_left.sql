-- finds: schema extra was not there before
CREATE SCHEMA extra;
