-- statements: 7
CREATE TABLE "begin" ("end" INTEGER, "trigger" TEXT, atomic TEXT);
CREATE TABLE log ("case" TEXT, [end;] TEXT);
CREATE VIEW ends AS SELECT "end" FROM "begin";
CREATE TRIGGER IF NOT EXISTS begin_end INSTEAD OF INSERT ON ends BEGIN INSERT INTO "begin" ("end") VALUES (NEW."end"); END;
CREATE TRIGGER [begin; end] AFTER INSERT ON "begin" BEGIN
    INSERT INTO log ("case", [end;]) SELECT NEW."trigger" AS "end", CASE NEW."end" WHEN 1 THEN 'END;' END;
    DELETE FROM log WHERE [end;] = 'never;';
END;
INSERT INTO "begin" VALUES (1, 'END;', 'BEGIN'), (2, NULL, ';');
CREATE INDEX "end" ON "begin" ("end");
