ALTER POLICY readable ON notes USING (true);
