-- migration: 20250103_160000_create_open_tasks_view
-- created: 2025-01-03 16:00:00 UTC
-- description: undo: the view of open tasks

DROP VIEW open_tasks;
