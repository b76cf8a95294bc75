DELETE FROM slots WHERE number IN (1, 2);
