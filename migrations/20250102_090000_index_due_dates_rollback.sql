-- migration: 20250102_090000_index_due_dates
-- created: 2025-01-02 09:00:00 UTC
-- description: undo: the index on due dates
-- migrate: no-transaction

DROP INDEX CONCURRENTLY tasks_open_due_at_idx;
