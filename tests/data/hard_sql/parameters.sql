-- statements: 9
CREATE TABLE parameters (id integer, said text);
PREPARE put(integer, text) AS INSERT INTO parameters VALUES ($1, $2 || ';'), ($1+1,'$1;');
EXECUTE put(1, 'a;b');
EXECUTE put(3, $$it's $1; $2$$);
PREPARE transaction AS INSERT INTO parameters VALUES (5, 'prepared; named transaction');
EXECUTE transaction;
PREPARE "commit;" (text) AS SELECT $1;
EXECUTE "commit;"('x;');
DEALLOCATE ALL;
