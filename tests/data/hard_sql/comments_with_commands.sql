-- statements: 4
CREATE TABLE commanded (id integer, said text);
-- \i other.sql
-- COMMIT;
/* \connect elsewhere
\copy commanded FROM 'x.csv'
COPY commanded FROM stdin;
1	never
\.
*/
INSERT INTO commanded VALUES (1, 'a -- \! rm'), (2, '\i other.sql');
/* -- migrate: no-transaction -- +goose Down */
INSERT INTO commanded VALUES (3, '
-- migrate: no-transaction
-- +goose Down
\copy commanded FROM stdin;
COMMIT;
\.
'); -- \gexec
-- \restrict abc
INSERT INTO commanded VALUES (4, $$
\connect postgres
-- migrate:down
ROLLBACK;
$$);
-- \.
