-- finds: publication everything: tables
ALTER PUBLICATION everything DROP TABLE tags;
