-- migration: 20241225_143000_create_tasks
-- created: 2024-12-25 14:30:00 UTC
-- description: undo: tasks

DROP TABLE tasks;
