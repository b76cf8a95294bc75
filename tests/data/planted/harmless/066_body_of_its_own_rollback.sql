DO $$ BEGIN FOR i IN 1..3 LOOP EXECUTE format('DROP TABLE part_%s', i); END LOOP; END $$;
