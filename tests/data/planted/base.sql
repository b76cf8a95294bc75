-- migrate: irreversible because the others stand on it
-- The schema that the faults and the harmless changes beside it are made in. PostgreSQL 14 and newer.
CREATE SCHEMA app;
CREATE SCHEMA other;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
COMMENT ON TYPE mood IS 'how one feels';
CREATE TYPE size AS ENUM ('S', 'M', 'L');
CREATE TYPE point3 AS (x integer, y integer, z integer);
CREATE DOMAIN short AS text DEFAULT '' CONSTRAINT short_check CHECK (length(VALUE) < 20);

CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL, bio text, updated_at timestamptz);
CREATE UNIQUE INDEX users_email ON users (lower(email));

CREATE TABLE products (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  title text NOT NULL,
  code varchar(20),
  sku text,
  state text DEFAULT 'new',
  price numeric(10, 2) NOT NULL DEFAULT 0,
  price_double numeric GENERATED ALWAYS AS (price * 2) STORED,
  notes text,
  remark text,
  shape text DEFAULT 'round'
);
COMMENT ON COLUMN products.notes IS 'what the seller says';

CREATE TABLE orders (
  id bigint PRIMARY KEY,
  user_id bigint CONSTRAINT orders_user_id_fkey REFERENCES users (id),
  placed date,
  total numeric CONSTRAINT orders_total_check CHECK (total >= 0),
  remark text
);
CREATE STATISTICS orders_stats (dependencies) ON user_id, total FROM orders;
CREATE TABLE items (
  order_id bigint CONSTRAINT items_order_id_fkey REFERENCES orders (id) ON DELETE CASCADE,
  product_id bigint CONSTRAINT items_product_id_fkey REFERENCES products (id),
  quantity integer NOT NULL DEFAULT 1
);

CREATE TABLE tags (name text CONSTRAINT tags_pkey PRIMARY KEY);
COMMENT ON TABLE tags IS 'words';
GRANT SELECT ON tags TO pg_monitor;
CREATE RULE keep AS ON DELETE TO tags DO INSTEAD NOTHING;

CREATE TABLE slots (
  number integer CONSTRAINT slots_number_key UNIQUE CONSTRAINT slots_number_check CHECK (number > 0),
  during int4range,
  CONSTRAINT slots_during_excl EXCLUDE USING gist (during WITH &&)
);
CREATE TABLE rooms (
  number integer CONSTRAINT rooms_pkey PRIMARY KEY, floor integer, name text, label text, width numeric, height numeric
);
CREATE INDEX rooms_floor ON rooms (floor);
CREATE INDEX rooms_name ON rooms (name) WHERE floor > 0;
CREATE UNIQUE INDEX rooms_label ON rooms (label);
CREATE INDEX rooms_width ON rooms (width);
CREATE INDEX rooms_height ON rooms (height DESC NULLS LAST);
CREATE INDEX rooms_area ON rooms ((width * height));
COMMENT ON INDEX rooms_area IS 'for the plan of the house';
CREATE SEQUENCE tickets;
CREATE SEQUENCE badges OWNED BY rooms.number;

CREATE VIEW cheap AS SELECT id, title FROM products WHERE price < 10;
CREATE VIEW dear AS SELECT id, title FROM products WHERE price > 100;
CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS n, sum(total) AS total FROM orders;
CREATE MATERIALIZED VIEW counts AS SELECT count(*) AS n FROM users;

CREATE FUNCTION greet(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'Hello ' || name $$;
CREATE FUNCTION twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2 * n';
CREATE FUNCTION thrice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 3 * n';
CREATE FUNCTION area(rooms) RETURNS numeric LANGUAGE sql AS 'SELECT $1.width * $1.height';
CREATE FUNCTION same(a integer, b integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT a = b';
CREATE OPERATOR === (LEFTARG = integer, RIGHTARG = integer, FUNCTION = same, COMMUTATOR = ===);
CREATE AGGREGATE product_of(numeric) (SFUNC = numeric_mul, STYPE = numeric, INITCOND = '1');
CREATE AGGREGATE sum_of(numeric) (SFUNC = numeric_add, STYPE = numeric, INITCOND = '0');

CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$;
CREATE FUNCTION observed() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touched();
CREATE TRIGGER guard BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION touched();
CREATE TRIGGER watch BEFORE UPDATE OF email ON users FOR EACH ROW EXECUTE FUNCTION touched();

CREATE TABLE notes (owner name, body text);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON notes FOR UPDATE USING (owner = current_user) WITH CHECK (body <> '');
CREATE POLICY readable ON notes FOR SELECT USING (owner = current_user);
CREATE TABLE secrets (body text);
ALTER TABLE secrets ENABLE ROW LEVEL SECURITY;

CREATE TABLE events (at date NOT NULL, what text) PARTITION BY RANGE (at);
CREATE TABLE events_2023 PARTITION OF events FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE INDEX events_what ON events (what);
CREATE TABLE parent (id integer);
CREATE TABLE child (extra text) INHERITS (parent);
CREATE TABLE scratchpad (line text);

CREATE TEXT SEARCH CONFIGURATION plain_words (COPY = simple);
CREATE FOREIGN DATA WRAPPER wire;
CREATE SERVER near FOREIGN DATA WRAPPER wire OPTIONS (host 'a');
CREATE USER MAPPING FOR pg_monitor SERVER near OPTIONS (password 'hunter2');
CREATE FOREIGN TABLE distant (id integer) SERVER near OPTIONS ("table" 'a');
CREATE PUBLICATION everything FOR TABLE tags, users;
