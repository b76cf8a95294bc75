-- migration: 20241226_160000_create_tags
-- created: 2024-12-26 16:00:00 UTC
-- description: tags of a user, any number on a task

CREATE TABLE tags (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name text NOT NULL,
    CONSTRAINT tags_user_id_name_key UNIQUE (user_id, name)
);

CREATE TABLE task_tags (
    task_id bigint NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    tag_id bigint NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
    PRIMARY KEY (task_id, tag_id)
);

-- the primary key serves "tags of a task"; this one serves "tasks with a tag"
CREATE INDEX task_tags_tag_id_idx ON task_tags (tag_id);
