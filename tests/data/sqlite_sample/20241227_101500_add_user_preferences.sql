-- migration: 20241227_101500_add_user_preferences
-- created: 2024-12-27 10:15:00 UTC
-- description: how each user wants the application to look and to notify

CREATE TABLE user_preferences (
    user_id INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    theme TEXT NOT NULL DEFAULT 'system' CHECK (theme IN ('system', 'light', 'dark')),
    language TEXT NOT NULL DEFAULT 'en',
    notify_by_email INTEGER NOT NULL DEFAULT 1
);

-- everybody who is here already starts with the defaults
INSERT INTO user_preferences (user_id)
SELECT id FROM users;
