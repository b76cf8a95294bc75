DO $$ BEGIN FOR i IN 1..3 LOOP EXECUTE format('CREATE TABLE part_%s (id integer)', i); END LOOP; END $$;
