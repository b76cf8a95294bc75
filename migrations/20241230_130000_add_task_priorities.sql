-- migration: 20241230_130000_add_task_priorities
-- created: 2024-12-30 13:00:00 UTC
-- description: a priority for each task, guessed for those that exist
-- migrate: accept writes-under-lock, adding-not-nullable-field because there are a few hundred rows: the lock is held for milliseconds
-- migrate: accept constraint-missing-not-valid because there are a few hundred rows: the lock is held for milliseconds

ALTER TABLE tasks ADD COLUMN priority text;

UPDATE tasks
   SET priority = CASE
           WHEN is_done THEN 'low'
           WHEN due_at < now() + interval '1 day' THEN 'urgent'
           WHEN due_at < now() + interval '7 days' THEN 'high'
           ELSE 'medium'
       END;

ALTER TABLE tasks
    ALTER COLUMN priority SET DEFAULT 'medium',
    ALTER COLUMN priority SET NOT NULL,
    ADD CONSTRAINT tasks_priority_known CHECK (priority IN ('low', 'medium', 'high', 'urgent'));
