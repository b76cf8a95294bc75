DROP RULE keep ON tags;
