-- migration: 20241225_100000_create_users
-- created: 2024-12-25 10:00:00 UTC
-- description: users, each with an address of their own

CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_email_key UNIQUE (email)
);

COMMENT ON TABLE users IS 'People who own tasks and talk to the assistant';
