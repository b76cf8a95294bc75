-- migration: 20250103_110000_restrict_message_roles
-- created: 2025-01-03 11:00:00 UTC
-- description: undo: any role again; roles that were changed to 'system' stay so

ALTER TABLE messages RENAME TO messages_old;

CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    conversation_id INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    content TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);

INSERT INTO messages (id, conversation_id, role, content, created_at)
SELECT id, conversation_id, role, content, created_at
  FROM messages_old;

DROP TABLE messages_old;

CREATE INDEX messages_conversation_id_idx ON messages (conversation_id);
