-- statements: 6
CREATE TABLE rates (id integer, said text DEFAULT '100%;', odd boolean GENERATED ALWAYS AS (id % 2 = 1) STORED);
INSERT INTO rates VALUES (1, '%s'), (2, '%(name)s'), (3, '%%'), (7 %4, '5 % of it; %'), (5, $$%b %t %$$), (6, DEFAULT);
CREATE FUNCTION rate(x integer) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF x%2=0 THEN RAISE NOTICE '%; %%', x; END IF;
    RETURN format('%I is %1$L; %s %%', x::text, 'a%s');
END $$;
CREATE TABLE said AS SELECT id, rate(id) AS rated FROM rates WHERE said LIKE '%\%%' OR said ~ '^%s$' OR id%3=0;
CREATE VIEW percentiles AS SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY id%5) AS p FROM rates WHERE said NOT LIKE '%;%';
CREATE TABLE "100%s" ("%" integer, "%(x)s" text DEFAULT '%');
