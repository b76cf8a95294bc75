-- migration: 20250103_110000_restrict_message_roles
-- created: 2025-01-03 11:00:00 UTC
-- description: only known roles; SQLite adds a CHECK by rebuilding the table

-- The old table steps aside, so that the new one is created under its own name and sqlite_master keeps the text as it
-- stands here. No other table refers to messages, so the rename touches nothing else.
ALTER TABLE messages RENAME TO messages_old;

CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    conversation_id INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('user', 'assistant', 'system')),
    content TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);

INSERT INTO messages (id, conversation_id, role, content, created_at)
SELECT id,
       conversation_id,
       CASE WHEN role IN ('user', 'assistant', 'system') THEN role ELSE 'system' END,
       content,
       created_at
  FROM messages_old;

DROP TABLE messages_old;

CREATE INDEX messages_conversation_id_idx ON messages (conversation_id);
