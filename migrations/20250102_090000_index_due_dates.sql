-- migration: 20250102_090000_index_due_dates
-- created: 2025-01-02 09:00:00 UTC
-- description: the list of open tasks by due date, built while the table is in use
-- migrate: no-transaction

CREATE INDEX CONCURRENTLY tasks_open_due_at_idx ON tasks (user_id, due_at) WHERE NOT is_done;
