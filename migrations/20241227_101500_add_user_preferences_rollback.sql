-- migration: 20241227_101500_add_user_preferences
-- created: 2024-12-27 10:15:00 UTC
-- description: undo: user preferences; what users have chosen is lost

DROP TABLE user_preferences;
