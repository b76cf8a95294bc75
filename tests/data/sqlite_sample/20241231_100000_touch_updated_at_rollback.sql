-- migration: 20241231_100000_touch_updated_at
-- created: 2024-12-31 10:00:00 UTC
-- description: undo: updated_at, its trigger and the noted events, which are lost

DROP TRIGGER tasks_touch_updated_at;
DROP TABLE task_events;

ALTER TABLE tasks DROP COLUMN updated_at;
