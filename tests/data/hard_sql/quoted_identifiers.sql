-- statements: 6
CREATE SCHEMA "s;c--h";
CREATE TABLE "s;c--h"."/* t */" ("a;b" integer, "it's" text, "say ""hi;""" text, "$$" text, "--" text, "new
line;" text, "E'\'" text);
INSERT INTO "s;c--h"."/* t */" VALUES (1, ';', '"', '$$', '--', '"";', '\');
CREATE VIEW ";" AS SELECT "a;b" AS "'", "--"AS"$x$", "$$"AS"/*" FROM "s;c--h"."/* t */";
CREATE INDEX ";;" ON "s;c--h"."/* t */" ("it's", ("--"||';'||"$$"));
COMMENT ON COLUMN "s;c--h"."/* t */"."say ""hi;""" IS 'a "quoted; name"';
