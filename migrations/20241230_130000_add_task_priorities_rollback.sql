-- migration: 20241230_130000_add_task_priorities
-- created: 2024-12-30 13:00:00 UTC
-- description: undo: priorities; those that were set are lost

ALTER TABLE tasks
    DROP CONSTRAINT tasks_priority_known,
    DROP COLUMN priority;
