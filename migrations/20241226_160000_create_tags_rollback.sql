-- migration: 20241226_160000_create_tags
-- created: 2024-12-26 16:00:00 UTC
-- description: undo: tags

DROP TABLE task_tags;
DROP TABLE tags;
