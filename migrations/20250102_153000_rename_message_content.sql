-- migration: 20250102_153000_rename_message_content
-- created: 2025-01-02 15:30:00 UTC
-- description: messages have a body, as everywhere else in the application
-- migrate: accept renaming-column because the application is stopped while it is deployed

ALTER TABLE messages RENAME COLUMN content TO body;
