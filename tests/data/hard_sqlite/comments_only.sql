-- statements: 0
-- nothing yet; really
/* CREATE TABLE never (id INTEGER); */ ;
