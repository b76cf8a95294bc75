-- finds: text search configuration public.plain_words: mappings
ALTER TEXT SEARCH CONFIGURATION plain_words DROP MAPPING FOR asciiword;
