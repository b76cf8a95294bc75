-- statements: 5
CREATE TABLE [x;y] ([a;b] INTEGER, `c;d` TEXT, "e;""f" TEXT, [it's] TEXT, [--] TEXT, `/*` TEXT, `g``h;` TEXT, ["] TEXT);
INSERT INTO [x;y] VALUES (1, 'a', 'b;', 'c', '--', '/*', '`;`', '"');
CREATE INDEX `i;` ON [x;y] (`c;d`, [it's]) WHERE [--] <> ';';
CREATE VIEW [v;] AS SELECT [a;b] AS [;], `g``h;`||';' AS `'`, [x;y].["] FROM [x;y];
INSERT INTO `x;y` ([a;b], [it's]) SELECT [;] + 1, `'` FROM [v;];
