-- statements: 4

	CREATE	TABLE	tabbed	(id	integer,	said	text)	;
INSERTINTOtabbed	VALUES	(1,	'tab	;	formfeed');	-- tab	;
	INSERT INTO tabbed VALUES (2,	E'\t;\f'	),	(3,	$$	;$$)	;
COPY tabbed FROM stdin;	
4	;
\.
