-- statements: 8
CREATE TABLE notes (id integer PRIMARY KEY, owner name DEFAULT current_user, body text);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "mine; only" ON notes USING (owner = current_user OR body LIKE '%;%') WITH CHECK (body <> ';' AND body !~ '--');
CREATE POLICY readers ON notes AS RESTRICTIVE FOR SELECT TO pg_monitor, PUBLIC USING ((SELECT CASE WHEN body = $$'$$ THEN false ELSE true END));
ALTER POLICY readers ON notes USING (body IS DISTINCT FROM E'\';');
INSERT INTO notes (id, body) VALUES (1, 'a;b'), (2, '-');
COMMENT ON POLICY "mine; only" ON notes IS 'who''s "mine"; --';
ALTER TABLE notes NO FORCE ROW LEVEL SECURITY;
