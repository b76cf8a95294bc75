-- statements: 9
CREATE FOREIGN DATA WRAPPER "wrap;per" OPTIONS (debug 'tr;ue', "qu;ote" 'it''s');
CREATE SERVER remote TYPE 'ty;pe' VERSION $$1;2$$ FOREIGN DATA WRAPPER "wrap;per" OPTIONS (host 'a;b', port E'\'5432');
CREATE FOREIGN TABLE far (id integer OPTIONS (name 'i;d'), said text) SERVER remote OPTIONS (tab 'x -- y');
CREATE USER MAPPING FOR PUBLIC SERVER remote OPTIONS (user ':user', label '%s;');
CREATE TEXT SEARCH CONFIGURATION "words;" (COPY = simple);
CREATE TEXT SEARCH DICTIONARY "dict;" (TEMPLATE = simple, STOPWORDS = english, ACCEPT = false);
ALTER TEXT SEARCH CONFIGURATION "words;" ALTER MAPPING FOR asciiword, word WITH "dict;", simple;
CREATE TABLE indexed AS SELECT to_tsvector('public."words;"', 'The cat; sat -- on') AS words, 'ca:* & !dog;'::text AS query;
CREATE COLLATION "c;ollation" FROM "C";
