-- finds: text search dictionary public.terse was not there before
CREATE TEXT SEARCH DICTIONARY terse (TEMPLATE = simple, STOPWORDS = english);
