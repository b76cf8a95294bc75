-- migration: 20241226_090000_create_conversations_and_messages
-- created: 2024-12-26 09:00:00 UTC
-- description: conversations with the assistant and their messages

BEGIN;

CREATE TABLE conversations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title text,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX conversations_user_id_idx ON conversations (user_id);

CREATE TABLE messages (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation_id bigint NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    role text NOT NULL,
    content text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT messages_role_known CHECK (role IN ('user', 'assistant', 'system'))
);

CREATE INDEX messages_conversation_id_created_at_idx ON messages (conversation_id, created_at);

COMMIT;
