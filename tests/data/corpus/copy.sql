-- COPY whose rows do not stand in the file.
COPY t FROM '/srv/rows;.csv';
COPY s.t (a, "b;") FROM '/srv/rows.csv' WITH (FORMAT csv, HEADER match, DELIMITER ';', QUOTE '''', ESCAPE E'\\', NULL ';', FORCE_NOT_NULL (a), ON_ERROR ignore, REJECT_LIMIT 5) WHERE a <> ';';
COPY t TO '/srv/stdin' CSV HEADER QUOTE AS '"' DELIMITER AS ';' FORCE QUOTE *;
COPY t FROM PROGRAM 'gunzip < /srv/a.gz; true' BINARY;
COPY BINARY t FROM '/srv/a' USING DELIMITERS ';';
COPY (SELECT ';' FROM stdin) TO '/srv/b' (FORMAT binary);
COPY (INSERT INTO t VALUES (';') RETURNING a) TO PROGRAM 'cat > /srv/c; true';
COPY stdin FROM 'stdin';
COPY stdin (stdin) TO '/srv/from';
COPY t TO stdout;
COPY (SELECT 1) TO STDIN WITH (FORMAT text);
COPY (TABLE t) TO stdout CSV;
