-- migration: 20241227_101500_add_user_preferences
-- created: 2024-12-27 10:15:00 UTC
-- description: how each user wants the application to look and to notify

CREATE TABLE user_preferences (
    user_id bigint PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    theme text NOT NULL DEFAULT 'system',
    language text NOT NULL DEFAULT 'en',
    timezone text NOT NULL DEFAULT 'UTC',
    notify_by_email boolean NOT NULL DEFAULT true,
    settings jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT user_preferences_theme_known CHECK (theme IN ('system', 'light', 'dark')),
    CONSTRAINT user_preferences_settings_is_object CHECK (jsonb_typeof(settings) = 'object')
);

-- everybody who is here already starts with the defaults
INSERT INTO user_preferences (user_id)
SELECT id FROM users;
