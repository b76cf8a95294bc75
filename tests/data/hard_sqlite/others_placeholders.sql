-- statements: 3
CREATE TABLE "${table}" (":name" TEXT, "{{ x }}" TEXT DEFAULT '%s', "?" TEXT);
INSERT INTO "${table}" VALUES (':name', '?1', '%(x)s;'), ('@x', '$x', '100%');
INSERT INTO "${table}" (":name") SELECT 7 % 4 || ':x' WHERE ':y' NOT LIKE '%!%%' ESCAPE '!';
