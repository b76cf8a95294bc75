-- statements: 3
CREATE TABLE "größe" ("naïve；" text, "日本" text);
COPY "größe" ("naïve；", "日本") FROM stdin;
Zoë；ß	日本語;
👩‍👩‍👧	é é \\.
שלום;	مرحبا -- نعم
  	…“quoted”
 \\. 	﻿
\.
INSERT INTO "größe" VALUES ('١٢٣;', '½ ﷽');
