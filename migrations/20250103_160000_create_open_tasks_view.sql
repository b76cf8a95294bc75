-- migration: 20250103_160000_create_open_tasks_view
-- created: 2025-01-03 16:00:00 UTC
-- description: what the start page shows: open tasks, the most urgent first

CREATE VIEW open_tasks AS
SELECT tasks.id,
       tasks.user_id,
       tasks.title,
       tasks.priority,
       tasks.due_at,
       array_remove(array_agg(tags.name ORDER BY tags.name), NULL) AS tags
  FROM tasks
  LEFT JOIN task_tags ON task_tags.task_id = tasks.id
  LEFT JOIN tags ON tags.id = task_tags.tag_id
 WHERE NOT tasks.is_done
 GROUP BY tasks.id
 ORDER BY array_position(ARRAY['urgent', 'high', 'medium', 'low'], tasks.priority), tasks.due_at;

COMMENT ON VIEW open_tasks IS 'Open tasks, the most urgent first';
