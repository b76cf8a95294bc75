-- The first bytes of this file are a byte order mark.
CREATE TABLE marked (id integer, said text);
INSERT INTO marked VALUES (1, 'mark ﻿ inside; stays');
COPY marked FROM stdin;
2	﻿at the start; stays
\.
