-- migration: 20241231_100000_touch_updated_at
-- created: 2024-12-31 10:00:00 UTC
-- description: undo: updated_at and its trigger; the times are lost

DROP TRIGGER conversations_touch_updated_at ON conversations;
DROP TRIGGER tasks_touch_updated_at ON tasks;
DROP FUNCTION touch_updated_at();

ALTER TABLE conversations DROP COLUMN updated_at;
ALTER TABLE tasks DROP COLUMN updated_at;
