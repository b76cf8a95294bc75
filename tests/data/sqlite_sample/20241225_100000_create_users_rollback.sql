-- migration: 20241225_100000_create_users
-- created: 2024-12-25 10:00:00 UTC
-- description: undo: users

DROP TABLE users;
