-- migration: 20241228_084500_add_task_due_dates
-- created: 2024-12-28 08:45:00 UTC
-- description: when a task is due, and when to be reminded of it
-- migrate: accept constraint-missing-not-valid because there are a few hundred tasks, read in no time

ALTER TABLE tasks
    ADD COLUMN due_at timestamptz,
    ADD COLUMN remind_at timestamptz,
    ADD CONSTRAINT tasks_reminder_before_due CHECK (remind_at <= due_at);
