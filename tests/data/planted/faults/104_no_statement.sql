-- finds: the rollback script has no statement
-- verdict: no statement
CREATE TABLE stays (id integer);
