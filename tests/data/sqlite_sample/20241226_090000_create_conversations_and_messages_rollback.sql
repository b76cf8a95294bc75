-- migration: 20241226_090000_create_conversations_and_messages
-- created: 2024-12-26 09:00:00 UTC
-- description: undo: messages and their conversations

BEGIN;

DROP TABLE messages;
DROP TABLE conversations;

COMMIT;
