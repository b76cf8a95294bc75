DELETE FROM secrets WHERE body IN ('one', 'two');
