-- statements: 9
CREATE TYPE mood AS ENUM ('sad;', 'it''s ok', '--', '$$', '\', '/*', '');
CREATE TYPE pair AS (word text, "num;ber" integer);
CREATE TYPE text_span AS RANGE (SUBTYPE = text, COLLATION = "C", MULTIRANGE_TYPE_NAME = "text;spans");
CREATE DOMAIN email AS text CONSTRAINT "no;semicolon" CHECK (VALUE !~ ';' AND VALUE ~ '^[^@'']+@[^@]+$') DEFAULT 'a@b';
CREATE DOMAIN marked AS mood[] NOT NULL CHECK (VALUE <> '{"sad;","\\"}');
ALTER TYPE mood RENAME VALUE '--' TO 'dash;';
CREATE TABLE moods (id integer, mood mood DEFAULT 'sad;', pair pair, span text_span, mail email, marks marked DEFAULT '{}');
INSERT INTO moods VALUES (1, '\', ROW('a;b', 1), '[a,b;)', 'x@y', '{"sad;","it''s ok"}'), (2, DEFAULT, '("quo""te;",2)', text_span(';a', 'z;', '[]') * '(,)', DEFAULT, '{"\\"}');
COMMENT ON TYPE mood IS 'sad; or not';
