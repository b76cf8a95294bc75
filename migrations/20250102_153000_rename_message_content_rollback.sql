-- migration: 20250102_153000_rename_message_content
-- created: 2025-01-02 15:30:00 UTC
-- description: undo: the body of a message is its content again

ALTER TABLE messages RENAME COLUMN body TO content;
