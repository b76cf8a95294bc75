-- migration: 20241225_100000_create_users
-- created: 2024-12-25 10:00:00 UTC
-- description: users, each with an address of their own

CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
