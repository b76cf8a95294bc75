-- Large objects: pg_dump writes them as calls between a BEGIN and a COMMIT of its own, in the middle of the file.
CREATE TABLE pictures (id integer PRIMARY KEY, name text NOT NULL, content oid);
SELECT lo_from_bytea(50001, '\x89504e470d0a1a0a5c2e0a') AS first, lo_from_bytea(50002, decode(repeat('00ff', 2000), 'hex')) AS second,
       lo_from_bytea(50003, '') AS empty \gset
INSERT INTO pictures VALUES (1, 'small; one', :first), (2, 'long one', :second), (3, 'empty one', :empty), (4, 'none', NULL);
COMMENT ON LARGE OBJECT 50001 IS 'it''s a picture';
GRANT SELECT ON LARGE OBJECT 50002 TO pg_monitor;
