"""SQLite's catalog sees what a rollback forgets or mangles, and nothing where it only restores in another way.

Every case is a migration and its rollback script, run by the engine on a real file that holds `BASE`.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from migration_manager import catalog as catalog_module
from migration_manager.catalog import Catalog, Difference, Item
from migration_manager.engines import sqlite_catalog
from migration_manager.engines.base import SessionSettings
from migration_manager.engines.sqlite import SqliteEngine, open_sqlite
from migration_manager.engines.sqlite_definition import Unreadable, read_table
from migration_manager.engines.sqlite_words import as_sql, folded
from migration_manager.model import Action, Change, Dialect, Run
from tests.fixtures.files import parsed
from tests.fixtures.targets import SqliteTarget

RUN = Run("run-1", "dev")
SETTINGS = SessionSettings()
NOTHING = "SELECT 1;"  # a rollback that forgets all

USERS = """CREATE TABLE users (
  id INTEGER PRIMARY KEY,
  email TEXT NOT NULL COLLATE NOCASE UNIQUE,
  age INTEGER DEFAULT 18 CHECK (age >= 0),
  note TEXT
);"""
USERS_AGE = "CREATE INDEX users_age ON users (age DESC) WHERE age > 10;"
ORDERS = """CREATE TABLE orders (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL ON CONFLICT FAIL REFERENCES users (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  total NUMERIC(10, 2) NOT NULL DEFAULT 0,
  tax NUMERIC GENERATED ALWAYS AS (total * 0.2) STORED,
  CONSTRAINT total_is_positive CHECK (total >= 0),
  CONSTRAINT one_of_each UNIQUE (user_id, total) ON CONFLICT IGNORE
);"""
TRIGGER = """CREATE TRIGGER orders_note AFTER INSERT ON orders FOR EACH ROW WHEN new.total > 100 BEGIN
  UPDATE users SET note = 'big' WHERE id = new.user_id;
END;"""
TAGS = "CREATE TABLE tags (name TEXT, colour TEXT DEFAULT 'red', PRIMARY KEY (name)) WITHOUT ROWID;"
PAIRS = "CREATE TABLE pairs (a INT, b TEXT, c TEXT, PRIMARY KEY (a, b));"
PAIRS_INDEX = "CREATE UNIQUE INDEX pairs_c ON pairs (lower(c) COLLATE NOCASE, b DESC);"
MARKS = "CREATE TABLE marks (x INTEGER NOT NULL, y ANY) STRICT;"
VIEW = "CREATE VIEW spenders (who, spent) AS SELECT user_id, sum(total) FROM orders GROUP BY user_id;"
VIEW_TRIGGER = "CREATE TRIGGER no_spenders INSTEAD OF DELETE ON spenders BEGIN SELECT raise(ABORT, 'no'); END;"
DOCS = "CREATE VIRTUAL TABLE docs USING fts5(title, body, tokenize = 'porter ascii');"
BASE = "\n".join((USERS, USERS_AGE, ORDERS, TRIGGER, TAGS, PAIRS, PAIRS_INDEX, MARKS, VIEW, VIEW_TRIGGER, DOCS))


def but(text: str, old: str, new: str = "") -> str:
    """Return the text with one thing in it replaced, which must be there."""
    assert text.count(old) == 1, (text, old)
    return text.replace(old, new)


def apply(engine: SqliteEngine, name: str, text: str, action: Action = Action.MIGRATE) -> None:
    script = parsed(text, Dialect.SQLITE, rollback=action is Action.ROLLBACK)
    checksum = script.source.checksum
    engine.transact(RUN, [Change(action, name, script, checksum, None, (script.source,), None)])


def around(path: Path, up: str, down: str, *, base: str = BASE) -> tuple[Catalog, Catalog, Catalog]:
    """Return the catalogs before a migration, after it, and after its rollback script."""
    with open_sqlite(path, SETTINGS) as engine:
        engine.ensure_history(RUN)
        apply(engine, "a_base", base)
        before = engine.catalog()
        apply(engine, "b_case", up)
        between = engine.catalog()
        apply(engine, "b_case", down, Action.ROLLBACK)
        return before, between, engine.catalog()


def told(before: Catalog, after: Catalog) -> list[str]:
    return [difference.in_words() for difference in catalog_module.differences(before, after)]


# ------------------------------------------------------------------------------------ what must be seen


class Planted(NamedTuple):
    """A rollback that does not restore, and all that must be said of it."""

    up: str
    down: str
    words: list[str]


def remade(table: str, *statements: str) -> tuple[str, str]:
    """Return a migration that drops a table, and a rollback that makes what is given instead."""
    return f"DROP TABLE {table};", "\n".join(statements)


PLANTED = {
    # ---- forgotten and left behind
    "a table is forgotten": Planted("DROP TABLE tags;", NOTHING, ["table tags is missing"]),
    "a table with all that hangs on it is forgotten": Planted(
        "DROP VIEW spenders; DROP TABLE orders;", NOTHING, ["table orders is missing", "view spenders is missing"]
    ),
    "a table is left behind": Planted("CREATE TABLE extra (n);", NOTHING, ["table extra was not there before"]),
    "a table keeps its new name": Planted(
        "ALTER TABLE tags RENAME TO labels;",
        NOTHING,
        ["table labels was not there before", "table tags is missing"],
    ),
    "an index is forgotten": Planted("DROP INDEX users_age;", NOTHING, ["index users_age is missing"]),
    "an index is left behind": Planted(
        "CREATE INDEX tags_colour ON tags (colour);", NOTHING, ["index tags_colour was not there before"]
    ),
    "a rebuilt table has lost its index": Planted(*remade("pairs", PAIRS), ["index pairs_c is missing"]),
    "a rebuilt table has lost its trigger": Planted(
        *remade("orders", ORDERS), ["trigger orders_note of orders is missing"]
    ),
    "a trigger is left behind": Planted(
        "CREATE TRIGGER t BEFORE DELETE ON tags BEGIN SELECT 1; END;",
        NOTHING,
        ["trigger t of tags was not there before"],
    ),
    "a view is forgotten": Planted("DROP VIEW spenders;", NOTHING, ["view spenders is missing"]),
    "a view made again has lost its trigger": Planted(
        "DROP VIEW spenders;", VIEW, ["trigger no_spenders of spenders is missing"]
    ),
    "a virtual table is forgotten": Planted("DROP TABLE docs;", NOTHING, ["virtual table docs is missing"]),
    # ---- columns
    "a column is forgotten": Planted(
        "ALTER TABLE users DROP COLUMN note;", NOTHING, ["column note of users is missing"]
    ),
    "a column is left behind": Planted(
        "ALTER TABLE tags ADD COLUMN n INT;", NOTHING, ["column n of tags was not there before"]
    ),
    "a column keeps its new name": Planted(
        "ALTER TABLE users RENAME COLUMN note TO remark;",
        NOTHING,
        [
            "column note of users is missing",
            "column remark of users was not there before",
            "trigger orders_note of orders: definition AFTER INSERT ON orders WHEN new.total > 100 BEGIN UPDATE users "
            "SET note = 'big' WHERE id = new.user_id; END  →  AFTER INSERT ON orders WHEN new.total > 100 BEGIN "
            "UPDATE users SET remark = 'big' WHERE id = new.user_id; END",
        ],
    ),
    "a column comes back at the end, with the default that ADD COLUMN wants": Planted(
        "ALTER TABLE marks DROP COLUMN x;",
        "ALTER TABLE marks ADD COLUMN x INTEGER NOT NULL DEFAULT 0;",
        ["column x of marks: default none  →  0", "column order of marks: x, y  →  y, x"],
    ),
    "columns in another order": Planted(
        *remade("marks", but(MARKS, "x INTEGER NOT NULL, y ANY", "y ANY, x INTEGER NOT NULL")),
        ["column order of marks: x, y  →  y, x"],
    ),
    "another type": Planted(*remade("marks", but(MARKS, "ANY", "TEXT")), ["column y of marks: type ANY  →  TEXT"]),
    "another length in a type": Planted(
        *remade("orders", but(ORDERS, "(10, 2)", "(12, 2)"), TRIGGER),
        ["column total of orders: type NUMERIC(10, 2)  →  NUMERIC(12, 2)"],
    ),
    "a type is lost": Planted(
        *remade("tags", but(TAGS, "name TEXT", "name")), ["column name of tags: type TEXT  →  none"]
    ),
    "NOT NULL is lost": Planted(
        *remade("marks", but(MARKS, " NOT NULL")), ["column x of marks: not null yes  →  none"]
    ),
    "NOT NULL comes new": Planted(
        *remade("marks", but(MARKS, "y ANY", "y ANY NOT NULL")), ["column y of marks: not null none  →  yes"]
    ),
    "ON CONFLICT of NOT NULL is lost": Planted(
        *remade("orders", but(ORDERS, " ON CONFLICT FAIL"), TRIGGER),
        ["column user_id of orders: not null on conflict FAIL  →  none"],
    ),
    "a default is lost": Planted(
        *remade("tags", but(TAGS, " DEFAULT 'red'")), ["column colour of tags: default 'red'  →  none"]
    ),
    "another default": Planted(
        *remade("tags", but(TAGS, "'red'", "'Red'")), ["column colour of tags: default 'red'  →  'Red'"]
    ),
    "a number became a string": Planted(
        *remade("users", but(USERS, "DEFAULT 18", "DEFAULT '18'"), USERS_AGE),
        ["column age of users: default 18  →  '18'"],
    ),
    "a collation is lost": Planted(
        *remade("users", but(USERS, " COLLATE NOCASE"), USERS_AGE),
        ["column email of users: collation NOCASE  →  none"],
    ),
    "AUTOINCREMENT is lost": Planted(
        *remade("orders", but(ORDERS, " AUTOINCREMENT"), TRIGGER),
        ["column id of orders: is autoincrement yes  →  none"],
    ),
    "a generated column is a plain one": Planted(
        *remade("orders", but(ORDERS, " GENERATED ALWAYS AS (total * 0.2) STORED"), TRIGGER),
        ["column tax of orders: generated stored: total * 0.2  →  none"],
    ),
    "a generated column is made of something else": Planted(
        *remade("orders", but(ORDERS, "0.2", "0.25"), TRIGGER),
        ["column tax of orders: generated stored: total * 0.2  →  stored: total * 0.25"],
    ),
    "a generated column is virtual": Planted(
        *remade("orders", but(ORDERS, "STORED", "VIRTUAL"), TRIGGER),
        ["column tax of orders: generated stored: total * 0.2  →  virtual: total * 0.2"],
    ),
    # ---- tables as such
    "WITHOUT ROWID is lost": Planted(
        *remade("tags", but(TAGS, " WITHOUT ROWID")),
        ["column name of tags: not null yes  →  none", "table tags: is without rowid yes  →  none"],
    ),
    "STRICT is lost": Planted(*remade("marks", but(MARKS, " STRICT")), ["table marks: is strict yes  →  none"]),
    # ---- constraints
    "a primary key is lost": Planted(
        *remade("pairs", but(PAIRS, ", PRIMARY KEY (a, b)"), PAIRS_INDEX),
        ["constraint PRIMARY KEY (a, b) of pairs is missing"],
    ),
    "a primary key of other columns": Planted(
        *remade("pairs", but(PAIRS, "(a, b)", "(b, a)"), PAIRS_INDEX),
        [
            "constraint PRIMARY KEY (a, b) of pairs is missing",
            "constraint PRIMARY KEY (b, a) of pairs was not there before",
        ],
    ),
    "INTEGER PRIMARY KEY DESC is no rowid": Planted(
        *remade("users", but(USERS, "PRIMARY KEY", "PRIMARY KEY DESC"), USERS_AGE),
        [
            "constraint PRIMARY KEY (id DESC) of users was not there before",
            "constraint PRIMARY KEY (id) of users is missing",
        ],
    ),
    "a key that is no rowid any more": Planted(
        *remade("orders", but(ORDERS, "id INTEGER PRIMARY KEY AUTOINCREMENT", "id INT PRIMARY KEY"), TRIGGER),
        [
            "column id of orders:\n  is autoincrement yes  →  none\n  type INTEGER  →  INT",
            "constraint PRIMARY KEY (id) of orders: is rowid yes  →  none",
        ],
    ),
    "UNIQUE is lost": Planted(
        *remade("users", but(USERS, " UNIQUE"), USERS_AGE), ["constraint UNIQUE (email) of users is missing"]
    ),
    "a UNIQUE with another collation": Planted(
        *remade(
            "users", but(but(USERS, " UNIQUE"), "note TEXT", "note TEXT, UNIQUE (email COLLATE BINARY)"), USERS_AGE
        ),
        [
            "constraint UNIQUE (email COLLATE BINARY) of users was not there before",
            "constraint UNIQUE (email) of users is missing",
        ],
    ),
    "ON CONFLICT of a UNIQUE is another": Planted(
        *remade("orders", but(ORDERS, "ON CONFLICT IGNORE", "ON CONFLICT REPLACE"), TRIGGER),
        [
            "constraint one_of_each of orders: definition UNIQUE (user_id, total) ON CONFLICT IGNORE  →  "
            "UNIQUE (user_id, total) ON CONFLICT REPLACE"
        ],
    ),
    "a constraint has lost its name": Planted(
        *remade("orders", but(ORDERS, "CONSTRAINT total_is_positive "), TRIGGER),
        ["constraint total_is_positive of orders is called CHECK (total >= 0)"],
    ),
    "a constraint has another name": Planted(
        *remade("orders", but(ORDERS, "total_is_positive", "positive"), TRIGGER),
        ["constraint total_is_positive of orders is called positive"],
    ),
    "a CHECK is lost": Planted(
        *remade("users", but(USERS, " CHECK (age >= 0)"), USERS_AGE),
        ["constraint CHECK (age >= 0) of users is missing"],
    ),
    "a CHECK is another": Planted(
        *remade("orders", but(ORDERS, "total >= 0", "total > 0"), TRIGGER),
        ["constraint total_is_positive of orders: definition CHECK (total >= 0)  →  CHECK (total > 0)"],
    ),
    "a foreign key is lost": Planted(
        *remade(
            "orders",
            but(ORDERS, " REFERENCES users (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"),
            TRIGGER,
        ),
        [
            "constraint FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED "
            "of orders is missing"
        ],
    ),
    "a foreign key has lost its action": Planted(
        *remade("orders", but(ORDERS, " ON DELETE CASCADE"), TRIGGER),
        [
            "constraint FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED of orders "
            "was not there before",
            "constraint FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED "
            "of orders is missing",
        ],
    ),
    "a foreign key is checked at once": Planted(
        *remade("orders", but(ORDERS, "INITIALLY DEFERRED", "INITIALLY IMMEDIATE"), TRIGGER),
        [
            "constraint FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE of orders was not there before",
            "constraint FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED "
            "of orders is missing",
        ],
    ),
    "a foreign key follows a table that was renamed away": Planted(
        "ALTER TABLE users RENAME TO users_old;",
        USERS + "DROP INDEX users_age;" + USERS_AGE + "DROP TRIGGER orders_note;" + TRIGGER + "DROP TABLE users_old;",
        [
            "constraint FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED "
            "of orders is missing",
            "constraint FOREIGN KEY (user_id) REFERENCES users_old (id) ON DELETE CASCADE DEFERRABLE INITIALLY "
            "DEFERRED of orders was not there before",
        ],
    ),
    # ---- indexes
    "an index is not unique any more": Planted(
        "DROP INDEX pairs_c;",
        but(PAIRS_INDEX, "UNIQUE "),
        [
            "index pairs_c: definition CREATE UNIQUE INDEX pairs_c ON pairs (lower(c) COLLATE NOCASE, b DESC)  →  "
            "CREATE INDEX pairs_c ON pairs (lower(c) COLLATE NOCASE, b DESC)"
        ],
    ),
    "an index does not descend any more": Planted(
        "DROP INDEX users_age;",
        but(USERS_AGE, " DESC"),
        [
            "index users_age: definition CREATE INDEX users_age ON users (age DESC) WHERE age > 10  →  "
            "CREATE INDEX users_age ON users (age) WHERE age > 10"
        ],
    ),
    "a partial index is whole": Planted(
        "DROP INDEX users_age;",
        but(USERS_AGE, " WHERE age > 10"),
        [
            "index users_age: definition CREATE INDEX users_age ON users (age DESC) WHERE age > 10  →  "
            "CREATE INDEX users_age ON users (age DESC)"
        ],
    ),
    "an index of another expression and collation": Planted(
        "DROP INDEX pairs_c;",
        but(PAIRS_INDEX, "lower(c) COLLATE NOCASE", "upper(c)"),
        [
            "index pairs_c: definition CREATE UNIQUE INDEX pairs_c ON pairs (lower(c) COLLATE NOCASE, b DESC)  →  "
            "CREATE UNIQUE INDEX pairs_c ON pairs (upper(c), b DESC)"
        ],
    ),
    # ---- triggers, views, virtual tables
    "a trigger at another time": Planted(
        "DROP TRIGGER orders_note;",
        but(TRIGGER, "AFTER", "BEFORE"),
        [
            "trigger orders_note of orders: definition AFTER INSERT ON orders WHEN new.total > 100 BEGIN UPDATE users "
            "SET note = 'big' WHERE id = new.user_id; END  →  BEFORE INSERT ON orders WHEN new.total > 100 BEGIN UPDATE "
            "users SET note = 'big' WHERE id = new.user_id; END"
        ],
    ),
    "a trigger writes another text, in letter case only": Planted(
        "DROP TRIGGER orders_note;",
        but(TRIGGER, "'big'", "'BIG'"),
        [
            "trigger orders_note of orders: definition AFTER INSERT ON orders WHEN new.total > 100 BEGIN UPDATE users "
            "SET note = 'big' WHERE id = new.user_id; END  →  AFTER INSERT ON orders WHEN new.total > 100 BEGIN UPDATE "
            "users SET note = 'BIG' WHERE id = new.user_id; END"
        ],
    ),
    "a view asks something else": Planted(
        "DROP VIEW spenders;",
        but(VIEW, "sum", "max") + VIEW_TRIGGER,
        [
            "view spenders: definition SELECT user_id, sum(total) FROM orders GROUP BY user_id  →  "
            "SELECT user_id, max(total) FROM orders GROUP BY user_id"
        ],
    ),
    "a view has other column names": Planted(
        "DROP VIEW spenders;",
        but(VIEW, "spent)", "amount)") + VIEW_TRIGGER,
        ["column amount of spenders was not there before", "column spent of spenders is missing"],
    ),
    "a view has its columns the other way round": Planted(
        "DROP VIEW spenders;",
        but(VIEW, "who, spent", "spent, who") + VIEW_TRIGGER,
        ["column order of spenders: who, spent  →  spent, who"],
    ),
    "a virtual table with other arguments": Planted(
        "DROP TABLE docs;",
        but(DOCS, ", body"),
        [
            "virtual table docs: arguments (title, body, tokenize = 'porter ascii')  →  (title, tokenize = 'porter ascii')"
        ],
    ),
    # ---- settings
    "user_version stays": Planted(
        "PRAGMA user_version = 7;", NOTHING, ["database settings main: user_version 0  →  7"]
    ),
    "application_id stays": Planted(
        "PRAGMA application_id = 99;", NOTHING, ["database settings main: application_id 0  →  99"]
    ),
}


def words_after(path: Path, case: Planted) -> list[str]:
    before, _, after = around(path, case.up, case.down)
    return told(before, after)


@pytest.mark.parametrize("name", PLANTED)
def test_what_a_rollback_forgets_or_mangles_is_told(sqlite_target: SqliteTarget, name: str) -> None:
    case = PLANTED[name]
    assert words_after(sqlite_target.path, case) == case.words


def test_the_table_of_faults_is_able_to_fail(sqlite_target: SqliteTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a comparison that finds nothing, every planted case is seen to fail."""
    assert len(PLANTED) >= 35
    assert all(case.words for case in PLANTED.values())
    monkeypatch.setattr(catalog_module, "differences", lambda first, second: ())
    for number, case in enumerate(PLANTED.values()):
        words = words_after(sqlite_target.path.with_name(f"{number}.db"), case)
        assert words != case.words


# ---------------------------------------------------------------------------------- what makes no difference


class Harmless(NamedTuple):
    """A rollback that restores in another way."""

    up: str
    down: str


def rebuilt(table: str, made: str, columns: str, *after: str) -> str:
    """Return what puts a table in the place of another as SQLite's manual has it: create new, copy, drop, rename."""
    new = but(made, f"CREATE TABLE {table} ", "CREATE TABLE new_one ")
    return "\n".join(
        (
            "PRAGMA legacy_alter_table = ON;",  # a view may not name a table that is away for a moment
            new,
            f"INSERT INTO new_one ({columns}) SELECT {columns} FROM {table};",
            f"DROP TABLE {table};",
            f"ALTER TABLE new_one RENAME TO {table};",
            *after,
        )
    )


WIDER = "ALTER TABLE users ADD COLUMN phone TEXT;"
HARMLESS = {
    # ---- there and back
    "a table is made and dropped": Harmless("CREATE TABLE t (n);", "DROP TABLE t;"),
    "a column is added and dropped": Harmless(WIDER, "ALTER TABLE users DROP COLUMN phone;"),
    "two columns are added and dropped in the same order": Harmless(
        "ALTER TABLE tags ADD COLUMN a INT DEFAULT 1 CHECK (a > 0); ALTER TABLE tags ADD b TEXT COLLATE NOCASE;",
        "ALTER TABLE tags DROP COLUMN a; ALTER TABLE tags DROP b;",
    ),
    "the last column is dropped and added": Harmless(
        "ALTER TABLE users DROP COLUMN note;", "ALTER TABLE users ADD COLUMN note TEXT;"
    ),
    "the last column with a default is dropped and added": Harmless(
        "ALTER TABLE tags DROP COLUMN colour;", "ALTER TABLE tags ADD COLUMN colour TEXT DEFAULT ('red');"
    ),
    "a column is renamed there and back": Harmless(
        "ALTER TABLE users RENAME COLUMN note TO remark;", "ALTER TABLE users RENAME COLUMN remark TO note;"
    ),
    "a column of checks, indexes and keys is renamed there and back": Harmless(
        "ALTER TABLE users RENAME age TO years; ALTER TABLE users RENAME id TO number;",
        "ALTER TABLE users RENAME years TO age; ALTER TABLE users RENAME number TO id;",
    ),
    "a column of a view, a trigger and a generated one is renamed there and back": Harmless(
        "ALTER TABLE orders RENAME total TO amount;", "ALTER TABLE orders RENAME amount TO total;"
    ),
    "a table is renamed there and back": Harmless(
        "ALTER TABLE users RENAME TO people;", "ALTER TABLE people RENAME TO users;"
    ),
    "a table with a view and a trigger is renamed there and back": Harmless(
        "ALTER TABLE orders RENAME TO sales;", "ALTER TABLE sales RENAME TO orders;"
    ),
    "a virtual table is renamed there and back": Harmless(
        "ALTER TABLE docs RENAME TO papers;", "ALTER TABLE papers RENAME TO docs;"
    ),
    # ---- rebuilt
    "users are rebuilt": Harmless(WIDER, rebuilt("users", USERS, "id, email, age, note", USERS_AGE)),
    "orders are rebuilt": Harmless(
        "ALTER TABLE orders ADD COLUMN paid_at TEXT;", rebuilt("orders", ORDERS, "id, user_id, total", TRIGGER)
    ),
    "tags are rebuilt": Harmless(
        "ALTER TABLE tags ADD COLUMN n;",
        "CREATE TABLE new_one (name TEXT, colour TEXT DEFAULT 'red', PRIMARY KEY (name)) WITHOUT ROWID;"
        "INSERT INTO new_one SELECT name, colour FROM tags; DROP TABLE tags; ALTER TABLE new_one RENAME TO tags;",
    ),
    "a table is made, filled and the old one renamed away": Harmless(
        "DROP INDEX pairs_c; ALTER TABLE pairs RENAME TO pairs_old;",
        PAIRS + PAIRS_INDEX + "INSERT INTO pairs SELECT * FROM pairs_old; DROP TABLE pairs_old;",
    ),
    # ---- white space and comments
    "a table on one line": Harmless("DROP TABLE tags;", " ".join(TAGS.split())),
    "a table with every word on a line of its own": Harmless(
        "DROP TABLE users;", "\n".join(USERS.split()) + USERS_AGE.replace(" ", "\n\t")
    ),
    "a table with comments": Harmless(
        "DROP TABLE marks;",
        "CREATE TABLE marks ( -- one\n x /* it's a ( */ INTEGER NOT /* , */ NULL, -- )\n y ANY\n) STRICT;",
    ),
    "a view with comments": Harmless(
        "DROP VIEW spenders;", but(VIEW, "sum(total)", "sum ( total ) -- all;\n") + VIEW_TRIGGER
    ),
    "a trigger on one line": Harmless("DROP TRIGGER orders_note;", " ".join(TRIGGER.split())),
    "an index with room": Harmless("DROP INDEX pairs_c;", PAIRS_INDEX.replace("(", " ( ").replace(")", " ) ")),
    "operators without room": Harmless("DROP INDEX users_age;", but(USERS_AGE, "age > 10", "age>10")),
    "a virtual table with room": Harmless(
        "DROP TABLE docs;", "CREATE VIRTUAL TABLE docs USING FTS5 ( title ,\n body,tokenize='porter ascii' );"
    ),
    # ---- letter case
    "keywords in small letters": Harmless(
        "DROP TABLE orders;",
        "create table orders (id integer primary key autoincrement, user_id integer not null on conflict fail "
        "references users (id) on delete cascade deferrable initially deferred, total numeric(10, 2) not null "
        "default 0, tax numeric generated always as (total * 0.2) stored, constraint total_is_positive check (total "
        ">= 0), constraint one_of_each unique (user_id, total) on conflict ignore);" + TRIGGER,
    ),
    "names in capitals where they are not made": Harmless(
        "DROP INDEX users_age; DROP TRIGGER orders_note;",
        but(USERS_AGE, "users (age DESC) WHERE age", "USERS (AGE DESC) WHERE Age") + TRIGGER.replace("users", "Users"),
    ),
    "a view in capitals": Harmless("DROP VIEW spenders;", but(VIEW, "SELECT user_id", "select USER_ID") + VIEW_TRIGGER),
    "a collation and functions in other letters": Harmless(
        "DROP INDEX pairs_c;", but(PAIRS_INDEX, "lower(c) COLLATE NOCASE", "LOWER(C) collate NoCase")
    ),
    # ---- quoting
    "names in double quotes": Harmless(
        "DROP TABLE users;",
        'CREATE TABLE "users" ("id" INTEGER PRIMARY KEY, "email" TEXT NOT NULL COLLATE "nocase" UNIQUE, '
        '"age" INTEGER DEFAULT 18 CHECK ("age" >= 0), "note" TEXT);'
        'CREATE INDEX "users_age" ON "users" ("age" DESC) WHERE "age" > 10;',
    ),
    "names in brackets and backticks": Harmless(
        "DROP TABLE users;",
        "CREATE TABLE [users] (`id` INTEGER PRIMARY KEY, [email] TEXT NOT NULL COLLATE NOCASE UNIQUE, "
        "`age` INTEGER DEFAULT 18 CHECK (`users`.[age] >= 0 ), 'note' TEXT);".replace("`users`.", "")
        + "CREATE INDEX [users_age] ON `users` ([age] DESC) WHERE `age` > 10;",
    ),
    "a foreign key in quotes": Harmless(
        "DROP TABLE orders;", but(ORDERS, "REFERENCES users (id)", 'REFERENCES "Users" ([ID])') + TRIGGER
    ),
    "a view in quotes": Harmless(
        "DROP VIEW spenders;",
        'CREATE VIEW [spenders] ("who", `spent`) AS SELECT "user_id", sum([total]) FROM "orders" GROUP BY `user_id`;'
        + VIEW_TRIGGER,
    ),
    "a trigger in quotes": Harmless(
        "DROP TRIGGER orders_note;",
        'CREATE TRIGGER "orders_note" AFTER INSERT ON "orders" FOR EACH ROW WHEN "new"."total" > 100 BEGIN '
        "UPDATE [users] SET `note` = 'big' WHERE \"id\" = new.[user_id]; END;",
    ),
    "a string in double quotes": Harmless("DROP TABLE tags;", but(TAGS, "'red'", '"red"')),
    # ---- said in another place or in other words
    "constraints of columns at the table": Harmless(
        "DROP TABLE users;",
        "CREATE TABLE users (id INTEGER, email TEXT NOT NULL COLLATE NOCASE, age INTEGER DEFAULT 18, note TEXT, "
        "CHECK (age >= 0) UNIQUE (email), PRIMARY KEY (id));" + USERS_AGE,
    ),
    "constraints of the table at columns": Harmless(
        "DROP TABLE tags;", "CREATE TABLE tags (name TEXT PRIMARY KEY, colour TEXT DEFAULT 'red') WITHOUT ROWID;"
    ),
    "a foreign key at the table": Harmless(
        "DROP TABLE orders;",
        but(
            but(ORDERS, " REFERENCES users (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"),
            "ON CONFLICT IGNORE",
            "ON CONFLICT IGNORE, FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE "
            "DEFERRABLE INITIALLY DEFERRED",
        )
        + TRIGGER,
    ),
    "a foreign key to the primary key, which needs no column": Harmless(
        "DROP TABLE orders;", but(ORDERS, "users (id)", "users") + TRIGGER
    ),
    "a foreign key that says what is so anyway": Harmless(
        "DROP TABLE orders;",
        but(ORDERS, "ON DELETE CASCADE", "ON UPDATE NO ACTION MATCH SIMPLE ON DELETE CASCADE") + TRIGGER,
    ),
    "the usual conflict clause, order and collation": Harmless(
        "DROP TABLE pairs;",
        "CREATE TABLE pairs (a INT NULL DEFAULT NULL, b TEXT COLLATE BINARY, c TEXT, "
        "PRIMARY KEY (a ASC, b COLLATE BINARY) ON CONFLICT ABORT);" + PAIRS_INDEX,
    ),
    "parentheses around a default": Harmless("DROP TABLE users;", but(USERS, "18", "(18)") + USERS_AGE),
    "a generated column without the words that may go": Harmless(
        "DROP TABLE orders;", but(ORDERS, "GENERATED ALWAYS AS", "AS") + TRIGGER
    ),
    "NOT NULL of a primary key without rowid": Harmless(
        "DROP TABLE tags;", but(TAGS, "name TEXT", "name TEXT NOT NULL")
    ),
    "a trigger without FOR EACH ROW": Harmless("DROP TRIGGER orders_note;", but(TRIGGER, "FOR EACH ROW ")),
    "operators that have two spellings": Harmless("DROP TABLE users;", USERS + USERS_AGE),
    "IF NOT EXISTS and the schema's name": Harmless(
        "DROP TABLE tags; DROP VIEW spenders; DROP TRIGGER orders_note; DROP INDEX users_age;",
        but(TAGS, "TABLE tags", "TABLE IF NOT EXISTS main.tags")
        + but(VIEW, "VIEW ", "VIEW IF NOT EXISTS main.")
        + VIEW_TRIGGER
        + but(TRIGGER, "TRIGGER ", "TRIGGER IF NOT EXISTS main.")
        + but(USERS_AGE, "INDEX ", "INDEX IF NOT EXISTS main."),
    ),
    # ---- what is no schema
    "rows": Harmless(
        WIDER + "INSERT INTO tags (name) VALUES ('a'); INSERT INTO orders (user_id, total) SELECT id, 1 FROM users;",
        "ALTER TABLE users DROP COLUMN phone;",
    ),
    "statistics": Harmless(WIDER + "ANALYZE;", "ALTER TABLE users DROP COLUMN phone; ANALYZE;"),
    "a temporary table and view": Harmless(
        WIDER, "CREATE TEMP TABLE tags (other); CREATE TEMP VIEW v AS SELECT 1; ALTER TABLE users DROP COLUMN phone;"
    ),
    "user_version there and back": Harmless("PRAGMA user_version = 3;", "PRAGMA user_version = 0;"),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_restored_in_another_way_makes_no_difference(sqlite_target: SqliteTarget, name: str) -> None:
    before, between, after = around(sqlite_target.path, *HARMLESS[name])
    assert told(before, between), "the migration itself has to be seen"
    assert told(before, after) == []
    assert before == after


def test_there_are_enough_ways_to_restore() -> None:
    assert len(HARMLESS) >= 35
