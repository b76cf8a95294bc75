-- migration: 20241228_084500_add_task_due_dates
-- created: 2024-12-28 08:45:00 UTC
-- description: undo: due dates; those that were entered are lost

ALTER TABLE tasks
    DROP CONSTRAINT tasks_reminder_before_due,
    DROP COLUMN remind_at,
    DROP COLUMN due_at;
