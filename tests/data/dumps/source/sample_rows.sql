-- Rows for the tables that the sample migrations make.

INSERT INTO users (email, name, created_at) VALUES
    ('ann@example.org', 'Ann', '2025-01-01 08:00+00'),
    ('juergen@example.org', 'Jürgen Groß', '2025-01-02 08:00+00'),
    ('li@example.org', '李 🙂', '2025-01-03 08:00+00');
INSERT INTO tasks (user_id, title, description, is_done, created_at, updated_at, due_at, remind_at, priority) VALUES
    (1, 'Write; then send', E'two\nlines\tand a tab', false, '2025-01-04 08:00+00', '2025-01-04 08:00+00', '2025-02-01 12:00+00', '2025-01-31 12:00+00', 'high'),
    (1, E'C:\\temp\\.', E'\\.', true, '2025-01-05 08:00+00', '2025-01-05 08:00+00', NULL, NULL, 'low'),
    (3, 'Grüße 🙂', '', false, '2025-01-06 08:00+00', '2025-01-06 08:00+00', 'infinity', NULL, 'medium');
INSERT INTO conversations (user_id, title, created_at, updated_at) VALUES
    (1, NULL, '2025-01-07 08:00+00', '2025-01-07 08:00+00'),
    (2, '\N', '2025-01-08 08:00+00', '2025-01-08 08:00+00');
INSERT INTO messages (conversation_id, role, body, created_at) VALUES
    (1, 'user', E'SELECT 1;\n-- run this\n\\q', '2025-01-07 08:00+00'),
    (1, 'assistant', E'```\n$$ it''s %s $$\n```', '2025-01-07 08:01+00'),
    (2, 'system', '{"text": "\\n"}', '2025-01-08 08:00+00');
INSERT INTO tags (user_id, name) VALUES (1, 'home'), (1, 'work; really'), (3, '家');
INSERT INTO task_tags (task_id, tag_id) VALUES (1, 1), (1, 2), (3, 3);
INSERT INTO user_preferences (user_id, theme, settings) VALUES
    (1, 'dark', '{"shortcuts": {"save": "\\u0013", "path": "C:\\x"}}'), (3, 'light', '{}');
