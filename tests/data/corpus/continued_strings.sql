-- Escape strings that go on in the next line, by the rules of their first piece. psql lexes line by line and forgets.
SELECT E'escaped\';'
  'the second piece follows the first one\'s rules\';'
  '\';';
SELECT E'a'	
 'b\';';
SELECT E'a'
'\';', E'b'


'\';' AS c;
SELECT 'plain'
'goes on \', ';', e'then\''
';\'';
SELECT 1;
