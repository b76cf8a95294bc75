COPY slots (number) FROM stdin;
1
2
\.
