-- migration: 20241231_100000_touch_updated_at
-- created: 2024-12-31 10:00:00 UTC
-- description: updated_at on tasks, kept by a trigger; finished tasks are noted

ALTER TABLE tasks ADD COLUMN updated_at TEXT;

UPDATE tasks SET updated_at = created_at;

CREATE TABLE task_events (
    id INTEGER PRIMARY KEY,
    task_id INTEGER NOT NULL,
    event TEXT NOT NULL,
    happened_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TRIGGER tasks_touch_updated_at
AFTER UPDATE OF title, description, is_done ON tasks
FOR EACH ROW
BEGIN
    UPDATE tasks SET updated_at = CURRENT_TIMESTAMP WHERE id = NEW.id;
    -- in a comment a semicolon; an END; and an apostrophe that isn't closed end nothing
    INSERT INTO task_events (task_id, event)
    SELECT NEW.id, CASE NEW.is_done WHEN 1 THEN 'done;' ELSE 'open again;' END
     WHERE NEW.is_done <> OLD.is_done;
END;
