CREATE TABLE before_it (id integer);
CREATE EXTENSION IF NOT EXISTS plpgsql;
