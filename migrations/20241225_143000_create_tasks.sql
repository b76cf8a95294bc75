-- migration: 20241225_143000_create_tasks
-- created: 2024-12-25 14:30:00 UTC
-- description: tasks, each owned by one user

CREATE TABLE tasks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title text NOT NULL,
    description text NOT NULL DEFAULT '',
    is_done boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tasks_title_not_blank CHECK (btrim(title) <> '')
);

CREATE INDEX tasks_user_id_idx ON tasks (user_id);
