-- finds: foreign-data wrapper far was not there before
CREATE FOREIGN DATA WRAPPER far;
