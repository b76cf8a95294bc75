-- finds: publication everything: operations
ALTER PUBLICATION everything SET (publish = 'insert');
