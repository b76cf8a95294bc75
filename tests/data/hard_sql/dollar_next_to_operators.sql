-- statements: 3
CREATE TABLE sums (id integer PRIMARY KEY, note text);
PREPARE add_sum(integer, text) AS INSERT INTO sums VALUES($1+$1,$2||$$;$$||$2),($1*10,$q$ $1; $q$);
EXECUTE add_sum(21,$$a;b$$);
