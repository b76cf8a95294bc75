"""SQLite's catalog sees what a rollback forgets or mangles, and nothing where it only restores in another way.

Every case is a migration and its rollback script, run by the engine on a real file that holds `BASE`.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from migration_manager import catalog as catalog_module
from migration_manager import sqltext
from migration_manager.catalog import Catalog, Item
from migration_manager.engines import sqlite_catalog
from migration_manager.engines.base import SessionSettings
from migration_manager.engines.sqlite import SqliteEngine, open_sqlite
from migration_manager.engines.sqlite_definition import ConstraintText, Unreadable, read_table
from migration_manager.engines.sqlite_failures import ask
from migration_manager.engines.sqlite_words import as_sql, folded
from migration_manager.model import Action, Change, Dialect, Run
from tests.fixtures.files import parsed
from tests.fixtures.targets import REPOSITORY, SqliteTarget

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
STRICT = " STRICT" if sqlite3.sqlite_version_info >= (3, 37) else ""
MARKS = f"CREATE TABLE marks (x INTEGER NOT NULL, y ANY){STRICT};"
VIEW = "CREATE VIEW spenders (who, spent) AS SELECT user_id, sum(total) FROM orders GROUP BY user_id;"
VIEW_TRIGGER = "CREATE TRIGGER no_spenders INSTEAD OF DELETE ON spenders BEGIN SELECT raise(ABORT, 'no'); END;"
PORTER = "tokenize = 'porter ascii'"
DOCS = f"CREATE VIRTUAL TABLE docs USING fts5(title, body, {PORTER});"
STATEMENTS = (USERS, USERS_AGE, ORDERS, TRIGGER, TAGS, PAIRS, PAIRS_INDEX, MARKS, VIEW, VIEW_TRIGGER, DOCS)
BASE = "\n".join(STATEMENTS)


def but(text: str, old: str, new: str = "") -> str:
    """Return the text with one thing in it replaced, which must be there."""
    assert text.count(old) == 1, (text, old)
    return text.replace(old, new)


def apply(engine: SqliteEngine, name: str, text: str, action: Action = Action.MIGRATE) -> None:
    script = parsed(text, Dialect.SQLITE, rollback=action is Action.ROLLBACK)
    checksum = script.source.checksum
    engine.transact(RUN, [Change(action, name, script, checksum, None, (script.source,), None)])


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with the history and `BASE` in it, to be copied."""
    path = tmp_path_factory.mktemp("prepared") / "base.db"
    with open_sqlite(path, SETTINGS) as engine:
        engine.ensure_history(RUN)
        apply(engine, "a_base", BASE)
    return path


def around(prepared: Path, path: Path, up: str, down: str) -> tuple[Catalog, Catalog, Catalog]:
    """Return the catalogs before a migration, after it, and after its rollback script."""
    shutil.copy(prepared, path)
    with open_sqlite(path, SETTINGS) as engine:
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


DEFERRED = "FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
FILED = "AFTER INSERT ON orders WHEN new.total > 100 BEGIN UPDATE users SET note = 'big' WHERE id = new.user_id; END"


def redefined(item: str, before: str, after: str) -> str:
    return f"{item}: definition {before}  →  {after}"


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
            redefined("trigger orders_note of orders", FILED, but(FILED, "note", "remark")),
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
            redefined(
                "constraint one_of_each of orders",
                "UNIQUE (user_id, total) ON CONFLICT IGNORE",
                "UNIQUE (user_id, total) ON CONFLICT REPLACE",
            )
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
        [redefined("constraint total_is_positive of orders", "CHECK (total >= 0)", "CHECK (total > 0)")],
    ),
    "a foreign key is lost": Planted(
        *remade(
            "orders",
            but(ORDERS, " REFERENCES users (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"),
            TRIGGER,
        ),
        [f"constraint {DEFERRED} of orders is missing"],
    ),
    "a foreign key has lost its action": Planted(
        *remade("orders", but(ORDERS, " ON DELETE CASCADE"), TRIGGER),
        [
            f"constraint {but(DEFERRED, ' ON DELETE CASCADE')} of orders was not there before",
            f"constraint {DEFERRED} of orders is missing",
        ],
    ),
    "a foreign key is checked at once": Planted(
        *remade("orders", but(ORDERS, "INITIALLY DEFERRED", "INITIALLY IMMEDIATE"), TRIGGER),
        [
            f"constraint {but(DEFERRED, ' DEFERRABLE INITIALLY DEFERRED')} of orders was not there before",
            f"constraint {DEFERRED} of orders is missing",
        ],
    ),
    "a foreign key follows a table that was renamed away": Planted(
        "ALTER TABLE users RENAME TO users_old;",
        USERS + "DROP INDEX users_age;" + USERS_AGE + "DROP TRIGGER orders_note;" + TRIGGER + "DROP TABLE users_old;",
        [
            f"constraint {DEFERRED} of orders is missing",
            f"constraint {but(DEFERRED, 'users (id)', 'users_old (id)')} of orders was not there before",
        ],
    ),
    # ---- indexes
    "an index is not unique any more": Planted(
        "DROP INDEX pairs_c;",
        but(PAIRS_INDEX, "UNIQUE "),
        [
            redefined(
                "index pairs_c",
                "CREATE UNIQUE INDEX pairs_c ON pairs (lower(c) COLLATE NOCASE, b DESC)",
                "CREATE INDEX pairs_c ON pairs (lower(c) COLLATE NOCASE, b DESC)",
            )
        ],
    ),
    "an index does not descend any more": Planted(
        "DROP INDEX users_age;",
        but(USERS_AGE, " DESC"),
        [
            redefined(
                "index users_age",
                "CREATE INDEX users_age ON users (age DESC) WHERE age > 10",
                "CREATE INDEX users_age ON users (age) WHERE age > 10",
            )
        ],
    ),
    "a partial index is whole": Planted(
        "DROP INDEX users_age;",
        but(USERS_AGE, " WHERE age > 10"),
        [
            redefined(
                "index users_age",
                "CREATE INDEX users_age ON users (age DESC) WHERE age > 10",
                "CREATE INDEX users_age ON users (age DESC)",
            )
        ],
    ),
    "an index of another expression and collation": Planted(
        "DROP INDEX pairs_c;",
        but(PAIRS_INDEX, "lower(c) COLLATE NOCASE", "upper(c)"),
        [
            redefined(
                "index pairs_c",
                "CREATE UNIQUE INDEX pairs_c ON pairs (lower(c) COLLATE NOCASE, b DESC)",
                "CREATE UNIQUE INDEX pairs_c ON pairs (upper(c), b DESC)",
            )
        ],
    ),
    # ---- triggers, views, virtual tables
    "a trigger at another time": Planted(
        "DROP TRIGGER orders_note;",
        but(TRIGGER, "AFTER", "BEFORE"),
        [redefined("trigger orders_note of orders", FILED, but(FILED, "AFTER", "BEFORE"))],
    ),
    "a trigger writes another text, in letter case only": Planted(
        "DROP TRIGGER orders_note;",
        but(TRIGGER, "'big'", "'BIG'"),
        [redefined("trigger orders_note of orders", FILED, but(FILED, "'big'", "'BIG'"))],
    ),
    "a view asks something else": Planted(
        "DROP VIEW spenders;",
        but(VIEW, "sum", "max") + VIEW_TRIGGER,
        [
            redefined(
                "view spenders",
                "SELECT user_id, sum(total) FROM orders GROUP BY user_id",
                "SELECT user_id, max(total) FROM orders GROUP BY user_id",
            )
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
        [f"virtual table docs: arguments (title, body, {PORTER})  →  (title, {PORTER})"],
    ),
    # ---- settings
    "user_version stays": Planted(
        "PRAGMA user_version = 7;", NOTHING, ["database settings main: user_version 0  →  7"]
    ),
    "application_id stays": Planted(
        "PRAGMA application_id = 99;", NOTHING, ["database settings main: application_id 0  →  99"]
    ),
}
if STRICT:
    PLANTED["STRICT is lost"] = Planted(*remade("marks", but(MARKS, STRICT)), ["table marks: is strict yes  →  none"])


@pytest.fixture(scope="module")
def planted(prepared: Path) -> Callable[[str], tuple[Catalog, Catalog]]:
    """Return what runs a planted case, once for all tests, and returns the catalogs before and after it."""

    @cache
    def run(name: str) -> tuple[Catalog, Catalog]:
        number = list(PLANTED).index(name)
        before, _, after = around(prepared, prepared.with_name(f"{number}.db"), PLANTED[name].up, PLANTED[name].down)
        return before, after

    return run


@pytest.mark.parametrize("name", PLANTED)
def test_what_a_rollback_forgets_or_mangles_is_told(
    planted: Callable[[str], tuple[Catalog, Catalog]], name: str
) -> None:
    assert told(*planted(name)) == PLANTED[name].words


def test_the_table_of_faults_is_able_to_fail(
    planted: Callable[[str], tuple[Catalog, Catalog]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a comparison that finds nothing, every planted case is seen to fail."""
    assert len(PLANTED) >= 35
    monkeypatch.setattr(catalog_module, "differences", lambda first, second: ())
    for name in PLANTED:
        with pytest.raises(AssertionError):
            test_what_a_rollback_forgets_or_mangles_is_told(planted, name)


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
        "CREATE TABLE marks ( -- one\n x /* it's a ( */ INTEGER NOT /* , */ NULL, -- )\n y ANY\n)" + f"{STRICT};",
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
        "`age` INTEGER DEFAULT 18 CHECK ([age] >= 0 ), 'note' TEXT);"
        "CREATE INDEX [users_age] ON `users` ([age] DESC) WHERE `age` > 10;",
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
def test_what_is_restored_in_another_way_makes_no_difference(
    prepared: Path, sqlite_target: SqliteTarget, name: str
) -> None:
    before, between, after = around(prepared, sqlite_target.path, *HARMLESS[name])
    assert told(before, between), "the migration itself has to be seen"
    assert told(before, after) == []
    assert before == after


def test_there_are_enough_ways_to_restore() -> None:
    assert len(HARMLESS) >= 35


# ---------------------------------------------------------------------------------------- word for word


def catalog_of(path: Path, script: str, *, settings: SessionSettings = SETTINGS) -> Catalog:
    """Return the catalog of a new file in which the sqlite3 module itself has run a script."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript("PRAGMA synchronous = OFF;" + script)
    with open_sqlite(path, settings, read_only=True) as engine:
        return engine.catalog()


def checked(expression: str) -> str:
    return f'CREATE TABLE t (a, "B", [if], key, "left", CHECK ({expression}));'


def shown(query: str) -> str:
    return f'CREATE TABLE t (a, "B", status); CREATE TABLE "left" (a, c); CREATE VIEW v AS {query};'


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (checked("a<>b"), checked("a != B")),
        (checked("a==1"), checked("A = 1")),
        (checked('"key" > 1'), checked("KEY>1")),
        (checked('"if" > 1'), checked("[IF] > 1")),
        (checked('"left" > 1'), checked("`Left` > 1")),
        (checked('"t"."a" > 1'), checked("t . a>1")),
        (checked("a > 1E5"), checked("a > 1e5")),
        (checked("a = X'AB'"), checked("a = x'ab'")),
        (checked("a=-1"), checked("a = - 1")),
        (checked("a- -1"), checked("a - /**/ -1")),
        (checked('a = "Text"'), checked("a = 'Text'")),
        (checked('"length"(a)>1'), checked("LENGTH( a ) > 1")),
        (checked("a IN(1,2)"), checked("a in (1 , 2)")),
        (checked("CASE WHEN a THEN 1 END"), checked("case when a then 1 end")),
        (checked("a LIKE 'x'"), checked("a like 'x'")),
        (checked("a || '$' IS NULL"), checked("a||'$' is NULL")),
        (shown('SELECT "a" AS "Total" FROM t'), shown("SELECT a as [Total] from T")),
        (shown("SELECT sum(a) FROM t"), shown("SELECT  sum( A )  FROM t")),
        (shown('SELECT a FROM t WHERE status = "open"'), shown("SELECT a FROM t WHERE status = 'open'")),
        (shown("SELECT t.* FROM t JOIN [left] ON 1"), shown('SELECT "t".* FROM "t" JOIN "left" ON 1')),
        (shown("WITH x AS (SELECT 1 AS n) SELECT n FROM x"), shown('with "x" as (select 1 as "n") select n from x')),
    ],
)
def test_texts_that_mean_the_same_are_the_same(sqlite_target: SqliteTarget, one: str, other: str) -> None:
    assert told(catalog_of(sqlite_target.path, one), catalog_of(sqlite_target.path, other)) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (checked("a = 'Text'"), checked("a = 'text'")),
        (checked('a = "Text"'), checked('a = "text"')),
        (checked("a = 'B'"), checked('a = "B"')),
        (checked("a = 'x y'"), checked("a = 'x  y'")),
        (checked("a = 'x -- y'"), checked("a = 'x '")),
        (checked("a IS true"), checked('a IS "true"')),
        (checked("a IS NULL"), checked('a IS "null"')),
        (checked("a < CURRENT_TIME"), checked('a < "CURRENT_TIME"')),
        (checked("a > 1"), checked("a > 1.0")),
        (checked("a > 0x10"), checked("a > 10")),
        (checked("a = x'00'"), checked("a = '00'")),
        (checked("a AND [B] OR key"), checked("a AND ([B] OR key)")),
        (checked("a - 1"), checked("a")),
        (checked("(a) > 1"), checked("a > 1")),
        (shown("SELECT 1 FROM t left JOIN [left] AS l ON 1"), shown('SELECT 1 FROM t "left" JOIN [left] AS l ON 1')),
        (shown("SELECT 1 e5 FROM t"), shown("SELECT 1e5 FROM t")),
        (shown('SELECT a FROM t WHERE status = "Open"'), shown('SELECT a FROM t WHERE status = "open"')),
        (shown('SELECT a AS "Total" FROM t'), shown('SELECT a AS "total" FROM t')),
        (shown("SELECT a FROM t UNION SELECT 1"), shown("SELECT a FROM t UNION ALL SELECT 1")),
        ("CREATE TABLE t (a DEFAULT abc);", "CREATE TABLE t (a DEFAULT ABC);"),
        ("CREATE TABLE t (a DEFAULT true);", "CREATE TABLE t (a DEFAULT 'true');"),
        ("CREATE TABLE t (a DEFAULT '');", "CREATE TABLE t (a);"),
        ("CREATE TABLE t (a, UNIQUE (a), CONSTRAINT x CHECK (a > 1), CONSTRAINT x CHECK (a < 9));",
         "CREATE TABLE t (a, UNIQUE (a), CONSTRAINT x CHECK (a > 1));"),
        ("CREATE TABLE t (a CONSTRAINT x CHECK (a > 1));", "CREATE TABLE t (a CONSTRAINT X CHECK (a > 1));"),
        ("CREATE TABLE T (A);", "CREATE TABLE T (a);"),
        ("CREATE TABLE Ä (a);", "CREATE TABLE ä (a);"),
    ],
)  # fmt: skip
def test_texts_that_mean_something_else_differ(sqlite_target: SqliteTarget, one: str, other: str) -> None:
    assert told(catalog_of(sqlite_target.path, one), catalog_of(sqlite_target.path, other)) != []


def without_each_word(script: str) -> list[tuple[str, str]]:
    """Return the script without one word, for every word, with some text around it."""
    found = []
    for token in sqltext.tokens(script, Dialect.SQLITE):
        less = script[: token.start] + " " + script[token.end :]
        found.append((" ".join(script[max(0, token.start - 12) : token.end + 12].split()), less))
    return found


# The words that may go, with what stands around them.
IDLE = {
    "tax NUMERIC GENERATED ALWAYS AS (",  # GENERATED: SQLite takes ALWAYS off the type by itself
    "0.2) STORED, CONSTRAIN",  # the comma: what follows is a constraint of the column then
    "(total >= 0), CONSTRAIN",  # the comma: constraints of a table need none
}


@pytest.mark.parametrize("statement", [USERS, USERS_AGE, ORDERS, TRIGGER, TAGS, PAIRS, PAIRS_INDEX, MARKS, VIEW])
def test_no_word_of_a_statement_can_go_unseen(sqlite_target: SqliteTarget, statement: str) -> None:
    """Without any one of its words, SQLite refuses a statement, or its catalog is another one."""
    whole = catalog_of(sqlite_target.path, BASE)
    tried, unseen = 0, list[str]()
    for around_it, less in without_each_word(statement):
        try:
            catalog = catalog_of(sqlite_target.path, but(BASE, statement, less))
        except sqlite3.Error:
            continue
        tried += 1
        if catalog == whole:
            unseen.append(around_it)
    assert tried
    assert set(unseen) <= IDLE


def respelled(script: str, chance: random.Random) -> str:
    """Return the script with other blanks, comments, letter case of keywords and names, and quotes around names."""
    pieces = []
    made = {token_text for token_text in sqltext_words(BASE) if token_text.islower()}
    for token in sqltext.tokens(script, Dialect.SQLITE):
        word = script[token.start : token.end]
        if token.kind is sqltext.Kind.WORD and word in made and word not in ("sum", "lower", "raise"):
            word = chance.choice([word, f'"{word}"', f"[{word}]", f"`{word}`"])
        elif token.kind is sqltext.Kind.WORD and word.isupper():
            word = chance.choice([word, word.lower(), word.title()])
        # With a comment between GENERATED and ALWAYS, GENERATED becomes a part of the type for SQLite.
        touches = token.start == 0 or script[token.start - 1] not in " \n" or word.upper() == "ALWAYS"
        blank = "" if touches else chance.choice([" ", "\n", "\t ", " /* it's ( */ ", " -- a ' comment\n"])
        pieces.append((" " if word.upper() == "ALWAYS" else blank) + word)
    return "".join(pieces)


def sqltext_words(script: str) -> set[str]:
    return {script[token.start : token.end] for token in sqltext.tokens(script, Dialect.SQLITE)}


@pytest.mark.parametrize("seed", range(12))
def test_a_schema_spelled_in_another_way_is_the_same(sqlite_target: SqliteTarget, seed: int) -> None:
    script = BASE.removesuffix(DOCS)  # the arguments of a module are the module's own
    other = respelled(script, random.Random(seed))  # noqa: S311
    assert other != script
    assert told(catalog_of(sqlite_target.path, script), catalog_of(sqlite_target.path, other)) == []


# ------------------------------------------------------------------------------ texts against the pragmas


def samples() -> list[Path]:
    return sorted((REPOSITORY / "tests" / "data").glob("*sqlite*/*.sql"))


@pytest.mark.parametrize(
    "script",
    [BASE, *(path for path in samples() if "rollback" not in path.name)],
    ids=lambda script: script.stem if isinstance(script, Path) else "base",
)
def test_what_is_read_from_the_texts_is_what_the_pragmas_say(sqlite_target: SqliteTarget, script: str | Path) -> None:
    with closing(sqlite3.connect(sqlite_target.path, isolation_level=None)) as connection:
        text = script if isinstance(script, str) else script.read_text("utf-8")
        with suppress(sqlite3.Error):  # some need another one before them
            connection.executescript(text)
        texts_agree_with_the_pragmas(connection)


def texts_agree_with_the_pragmas(connection: sqlite3.Connection) -> None:
    tables = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' "
        "AND name NOT LIKE 'docs\\_%' ESCAPE '\\' AND name <> 'sqlite_sequence'"
    ).fetchall()
    for name, sql in tables:
        columns = connection.execute("SELECT * FROM pragma_table_xinfo(?)", (name,)).fetchall()
        text = read_table(sql, frozenset({folded(name), *(folded(column[1]) for column in columns)}))
        assert set(text.columns) == {folded(column[1]) for column in columns}
        keys = [column for _, column in sorted((column[5], folded(column[1])) for column in columns if column[5])]
        terms = [term for one in text.constraints if one.kind == "PRIMARY KEY" for term, *_ in one.terms]
        assert keys == list(dict.fromkeys(terms))
        generated = {folded(column[1]) for column in columns if column[6]}
        assert generated == {column for column, said in text.columns.items() if said.generated}
        references = {
            (number, place, folded(table), folded(here), folded(there or ""), changed, deleted)
            for number, place, table, here, there, changed, deleted, _ in connection.execute(
                "SELECT * FROM pragma_foreign_key_list(?)", (name,)
            )
        }
        assert references == set(as_the_pragma_says(text.constraints))
        said_unique = [
            [(name, descends, collation or text.columns[name].collation) for name, collation, descends in one.terms]
            for one in text.constraints
            if one.terms
        ]
        for (index,) in connection.execute("SELECT name FROM pragma_index_list(?) WHERE origin = 'u'", (name,)):
            about = "SELECT name, desc, coll FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno"
            is_unique = [
                (folded(column), bool(descends), collation.upper())
                for column, descends, collation in connection.execute(about, (index,))
            ]
            assert is_unique in said_unique


ODD = """CREATE TABLE odd (a INT CONSTRAINT c NOT NULL CONSTRAINT d DEFAULT -1 CHECK (a IN (1,2)) COLLATE RTRIM
REFERENCES users ON UPDATE SET DEFAULT NOT DEFERRABLE INITIALLY IMMEDIATE, b TEXT UNIQUE ON CONFLICT ROLLBACK,
c AS (a+1) VIRTUAL, FOREIGN KEY (a, b) REFERENCES pairs (a, b) MATCH FULL ON DELETE NO ACTION DEFERRABLE,
PRIMARY KEY (a COLLATE NOCASE DESC, b ASC) ON CONFLICT FAIL, CHECK (a > b) ON CONFLICT ABORT)"""
THROWN_IN = (
    '"x"', "[y]", "`z`", "'s'", "key", "CONSTRAINT", "CONSTRAINT q", "NULL", "NOT NULL", "UNIQUE", "DESC", "ASC",
    "COLLATE NOCASE", "DEFAULT 1", "DEFAULT 'x'", "DEFAULT (1)", "CHECK (1)", "ON CONFLICT FAIL", "REFERENCES users",
    "DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED", "NOT DEFERRABLE", "ON DELETE RESTRICT", "MATCH x", "1", "-", "(",
    ")", ",", "AUTOINCREMENT", "PRIMARY KEY", "GENERATED", "ALWAYS", "AS (1)", "STORED", "generated always as (1)",
    "WITHOUT ROWID", "hidden", "typed (1, 2)", "/* c */", "INITIALLY IMMEDIATE", ".", "WHERE 1",
)  # fmt: skip


def mangled(statement: str, chance: random.Random) -> str:
    """Return a statement with a word or a few taken out, exchanged, or thrown in."""
    words = [statement[token.start : token.end] for token in sqltext.tokens(statement, Dialect.SQLITE)]
    for _ in range(chance.randint(1, 3)):
        at, other, what = chance.randrange(3, len(words)), chance.randrange(3, len(words)), chance.random()
        if what < 0.2:
            del words[at]
        elif what < 0.4:
            words[at], words[other] = words[other], words[at]
        else:
            words.insert(at, chance.choice([*THROWN_IN, words[other]]))
    return " ".join(words)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_sqlite_takes_for_a_table_is_read_as_sqlite_reads_it(seed: int) -> None:
    chance, taken = random.Random(seed), 0  # noqa: S311
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for _ in range(1000):
            connection.execute("BEGIN")
            with suppress(sqlite3.Error, sqlite3.Warning):
                connection.execute(mangled(chance.choice([USERS, ORDERS, TAGS, PAIRS, MARKS, ODD]), chance))
                texts_agree_with_the_pragmas(connection)
                taken += 1
            connection.execute("ROLLBACK")
    assert taken > 20


@pytest.mark.parametrize(
    "columns",
    [
        "a REFERENCES p DEFERRABLE INITIALLY DEFERRED",
        "a REFERENCES p DEFERRABLE INITIALLY IMMEDIATE",
        "a REFERENCES p DEFERRABLE",
        "a REFERENCES p NOT DEFERRABLE INITIALLY DEFERRED",
        "a REFERENCES p ON DELETE CASCADE NOT NULL DEFERRABLE INITIALLY DEFERRED",
        "a REFERENCES p DEFERRABLE INITIALLY DEFERRED NOT DEFERRABLE",
        "a REFERENCES p, b DEFERRABLE INITIALLY DEFERRED",
        "a, FOREIGN KEY (a) REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED",
        "a, FOREIGN KEY (a) REFERENCES p (id) ON UPDATE CASCADE",
    ],
)
def test_a_foreign_key_is_called_deferred_where_sqlite_defers_it(sqlite_target: SqliteTarget, columns: str) -> None:
    script = f"CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t ({columns});"
    catalog = catalog_of(sqlite_target.path, script)
    (told,) = (item.name for item in catalog if item.kind == "constraint" and item.of == "t")
    with closing(sqlite3.connect(sqlite_target.path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("BEGIN")
        try:
            connection.execute("INSERT INTO t (a) VALUES (1)")
            is_deferred = True
        except sqlite3.IntegrityError:
            is_deferred = False
        connection.execute("ROLLBACK")
    assert told.endswith(" DEFERRABLE INITIALLY DEFERRED") is is_deferred


def as_the_pragma_says(constraints: list[ConstraintText]) -> Iterator[tuple[object, ...]]:
    """Yield the foreign keys as `foreign_key_list` has them: the last one first, each column for itself."""
    found = [constraint.reference for constraint in constraints if constraint.reference]
    for number, reference in enumerate(reversed(found)):
        actions = dict(re.findall(r" ON (DELETE|UPDATE) ((?:SET )?[A-Z]+)", reference.rules))
        for place, column in enumerate(reference.columns):
            there = reference.parent_columns[place] if reference.parent_columns else ""
            changed, deleted = actions.get("UPDATE", "NO ACTION"), actions.get("DELETE", "NO ACTION")
            yield number, place, reference.parent, column, there, changed, deleted


@pytest.mark.parametrize(
    ("kind", "direction", "is_rowid"),
    [("INTEGER", "", True), ("integer", "ASC", True), ("INTEGER", "DESC", False), ("INT", "", False)],
)
@pytest.mark.parametrize("options", ["", "WITHOUT ROWID"])
@pytest.mark.parametrize("at_the_table", [True, False])
def test_a_key_that_is_the_rowid_is_told_from_one_that_is_not(
    sqlite_target: SqliteTarget, kind: str, direction: str, options: str, *, is_rowid: bool, at_the_table: bool
) -> None:
    """SQLite says so itself: it needs no index for a key that is the rowid."""
    column = f"id {kind}, PRIMARY KEY (id {direction})" if at_the_table else f"id {kind} PRIMARY KEY {direction}"
    catalog = catalog_of(sqlite_target.path, f"CREATE TABLE t ({column}) {options};")
    (key,) = (json.loads(catalog[item]) for item in catalog if item.kind == "constraint")
    indexes = sqlite_target.rows("SELECT * FROM pragma_index_list('t')")
    assert key.get("is rowid", False) is (not indexes)
    if not options and not at_the_table:
        assert key.get("is rowid", False) is is_rowid


# ---------------------------------------------------------------------------------------- what is in it


def test_an_empty_database_has_settings_only(sqlite_target: SqliteTarget) -> None:
    settings = {Item("database settings", "main"): '{"application_id": 0, "user_version": 0}'}
    with open_sqlite(sqlite_target.path, SETTINGS, read_only=True) as engine:
        assert engine.catalog() == settings  # no file
    sqlite_target.path.touch()
    with open_sqlite(sqlite_target.path, SETTINGS, read_only=True) as engine:
        assert engine.catalog() == settings  # an empty file
    with open_sqlite(sqlite_target.path, SETTINGS) as engine:
        engine.ensure_history(RUN)
        assert engine.catalog() == settings  # the history, and nothing else
    assert catalog_of(sqlite_target.path, "") == settings


def test_the_history_is_left_out_by_its_name_whatever_hangs_on_it(sqlite_target: SqliteTarget) -> None:
    settings = SessionSettings(history_table="My History")
    with open_sqlite(sqlite_target.path, settings) as engine:
        engine.ensure_history(RUN)
        empty = engine.catalog()
        sqlite_target.run(
            'CREATE INDEX i ON "My History" (state)',
            'CREATE TRIGGER t AFTER INSERT ON "My History_log" BEGIN SELECT 1; END',
        )
        assert engine.catalog() == empty
    with open_sqlite(sqlite_target.path, SETTINGS) as other:  # to which these are tables like any other
        assert Item("table", '"My History"') in other.catalog()
        assert Item("index", "i", '"My History"') in other.catalog()


def test_what_is_attached_or_temporary_is_no_part_of_it(sqlite_target: SqliteTarget) -> None:
    elsewhere = sqlite_target.path.with_name("other.db")
    with open_sqlite(sqlite_target.path, SETTINGS) as engine:
        engine.ensure_history(RUN)
        engine.transact(RUN, [])
        connection = engine._writing()
        connection.execute("CREATE TABLE tags (name TEXT)")
        before = engine.catalog()
        connection.execute("ATTACH ? AS elsewhere", (str(elsewhere),))
        connection.execute("CREATE TABLE elsewhere.schema_migrations (n)")
        connection.execute("CREATE TABLE elsewhere.tags (other)")
        connection.execute("CREATE TEMP TABLE tags (a, b, c)")
        connection.execute("CREATE INDEX temp.i ON tags (a)")
        connection.execute("CREATE TEMP VIEW v AS SELECT 1")
        connection.execute("PRAGMA elsewhere.user_version = 5")
        assert engine.catalog() == before


def test_names_are_told_as_sql(sqlite_target: SqliteTarget) -> None:
    catalog = catalog_of(
        sqlite_target.path,
        '''CREATE TABLE "it's a ""table""" ("first name" TEXT CONSTRAINT "one of ""them""" UNIQUE, [a"b] INT,
        größe INT, "order" INT REFERENCES "it's a ""table""" ("a""b"), "" TEXT, [1st] INT);
        CREATE INDEX "an index" ON "it's a ""table""" ("first name", [a"b], `order`) WHERE "first name" > \'\';
        CREATE TRIGGER "a trigger" AFTER DELETE ON "it's a ""table""" BEGIN SELECT 1; END;
        CREATE VIEW "a view" ("a column") AS SELECT "first name" FROM "it's a ""table""";''',
    )
    table = '"it\'s a ""table"""'
    assert set(catalog) >= {
        Item("table", table),
        Item("column", '"first name"', table),
        Item("column", '"a""b"', table),
        Item("column", "größe", table),
        Item("column", '"order"', table),
        Item("column", '""', table),
        Item("column", '"1st"', table),
        Item("constraint", '"one of ""them"""', table),
        Item("constraint", f'FOREIGN KEY ("order") REFERENCES {table} ("a""b")', table),
        Item("index", '"an index"', table),
        Item("trigger", '"a trigger"', table),
        Item("view", '"a view"'),
        Item("column", '"a column"', '"a view"'),
    }
    assert json.loads(catalog[Item("index", '"an index"', table)])["definition"] == (
        f'CREATE INDEX "an index" ON {table} ("first name", "a""b", "order") WHERE "first name" > \'\''
    )


# All that sqlite3_keyword_name() of SQLite 3.50 returns, but for what only a newer one has.
KEYWORDS = """
ABORT ACTION ADD AFTER ALL ALTER ALWAYS ANALYZE AND AS ASC ATTACH AUTOINCREMENT BEFORE BEGIN BETWEEN BY
CASCADE CASE CAST CHECK COLLATE COLUMN COMMIT CONFLICT CONSTRAINT CREATE CROSS CURRENT CURRENT_DATE CURRENT_TIME
CURRENT_TIMESTAMP DATABASE DEFAULT DEFERRABLE DEFERRED DELETE DESC DETACH DISTINCT DO DROP EACH ELSE END ESCAPE EXCEPT
EXCLUDE EXCLUSIVE EXISTS EXPLAIN FAIL FILTER FIRST FOLLOWING FOR FOREIGN FROM FULL GENERATED GLOB GROUP GROUPS HAVING IF
IGNORE IMMEDIATE IN INDEX INDEXED INITIALLY INNER INSERT INSTEAD INTERSECT INTO IS ISNULL JOIN KEY LAST LEFT LIKE LIMIT
MATCH MATERIALIZED NATURAL NO NOT NOTHING NOTNULL NULL NULLS OF OFFSET ON OR ORDER OTHERS OUTER OVER PARTITION PLAN
PRAGMA PRECEDING PRIMARY QUERY RAISE RANGE RECURSIVE REFERENCES REGEXP REINDEX RELEASE RENAME REPLACE RESTRICT RETURNING
RIGHT ROLLBACK ROW ROWS SAVEPOINT SELECT SET TABLE TEMP TEMPORARY THEN TIES TO TRANSACTION TRIGGER UNBOUNDED UNION
UNIQUE UPDATE USING VACUUM VALUES VIEW VIRTUAL WHEN WHERE WINDOW WITH WITHOUT TRUE FALSE ROWID"""


def test_a_keyword_is_a_name_like_any_other(sqlite_target: SqliteTarget) -> None:
    """A name is in quotes where it must be, and a definition is SQL that SQLite takes and that says the same."""
    made = [
        f"""CREATE TABLE "{name}" ("{name}" INT NOT NULL UNIQUE CHECK ("{name}" > 1), n);
        CREATE INDEX "i {name}" ON "{name}" ("{name}", n) WHERE "{name}" > 1;
        CREATE VIEW "v {name}" AS SELECT "{name}" FROM "{name}" AS "{name}" WHERE "{name}"."{name}" > 1;"""
        for name in KEYWORDS.lower().split()
    ]
    catalog = catalog_of(sqlite_target.path, f"BEGIN; {''.join(made)} COMMIT;")
    definitions = {item: json.loads(catalog[item]).get("definition", "") for item in catalog}
    again = []
    for table in (item.name for item in catalog if item.kind == "table"):
        constraints = (definitions[item] for item in catalog if item.kind == "constraint" and item.of == table)
        again.append(f"CREATE TABLE {table} ({table} INT NOT NULL, n, {', '.join(constraints)});")
    again += [f"{definitions[item]};" for item in catalog if item.kind == "index"]
    again += [f"CREATE VIEW {item.name} AS {definitions[item]};" for item in catalog if item.kind == "view"]
    assert len(again) == 3 * len(made)
    assert told(catalog, catalog_of(sqlite_target.path, f"BEGIN; {''.join(again)} COMMIT;")) == []


def test_reading_needs_no_right_to_write_and_leaves_nothing(sqlite_target: SqliteTarget) -> None:
    catalog = catalog_of(sqlite_target.path, BASE)
    sqlite_target.path.chmod(0o444)
    before = sqlite_target.fingerprint()
    with open_sqlite(sqlite_target.path, SETTINGS, read_only=True) as engine:
        assert engine.catalog() == catalog
        connection = engine._reading()
        assert connection is not None
        assert not connection.in_transaction
    assert sqlite_target.fingerprint() == before


def test_the_catalog_is_read_as_it_is_at_one_moment(
    sqlite_target: SqliteTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another one commits between two of the queries is not half in it."""
    whole = catalog_of(sqlite_target.path, "PRAGMA journal_mode = WAL;" + BASE)
    asked = list[str]()

    def meanwhile(
        connection: sqlite3.Connection, path: Path, query: str, values: object = ()
    ) -> list[tuple[object, ...]]:
        if asked:
            sqlite_target.run(f"CREATE TABLE late_{len(asked)} (n)", f"ALTER TABLE users ADD COLUMN late_{len(asked)}")
        asked.append(query)
        return ask(connection, path, query, values)

    with open_sqlite(sqlite_target.path, SETTINGS) as engine:
        monkeypatch.setattr(sqlite_catalog, "ask", meanwhile)
        assert engine.catalog() == whole
        monkeypatch.undo()
        assert len(asked) > 3
        assert Item("table", "late_1") in engine.catalog()


def test_a_column_without_a_name_is_called_by_its_expression_however_that_is_written(
    sqlite_target: SqliteTarget,
) -> None:
    """SQLite calls it as the text is."""
    one = """CREATE TABLE t (a, b); CREATE VIEW v AS SELECT sum(a), b || 'A b', a AS "Sum (a)" FROM t;"""
    other = one.replace("sum(a)", 'SUM( "a" )').replace("b || ", "b||")
    before, after = catalog_of(sqlite_target.path, one), catalog_of(sqlite_target.path, other)
    assert sqlite_target.rows("SELECT name FROM pragma_table_info('v')")[0] == ('SUM( "a" )',)
    assert told(before, after) == []
    order = json.loads(after[Item("column order", "v", "v")])["columns"]
    assert order == ['"sum(a)"', "\"b || 'A b'\"", '"Sum (a)"']


# ------------------------------------------------------------------------------------------ odd schemas


def test_a_view_that_cannot_be_read_any_more_is_told_with_the_reason(
    prepared: Path, sqlite_target: SqliteTarget
) -> None:
    before, _, after = around(
        prepared, sqlite_target.path, "CREATE TABLE other (n);", "DROP TABLE other; DROP TABLE orders;"
    )
    words = told(before, after)
    assert "table orders is missing" in words
    assert "view spenders: error none  →  no such table: main.orders" in words
    assert told(after, after) == []


def test_a_text_edited_by_hand_is_compared_as_it_stands(sqlite_target: SqliteTarget) -> None:
    script = """CREATE TABLE t (a, b); CREATE TABLE u (a); PRAGMA writable_schema = ON;
    UPDATE sqlite_master SET sql = 'CREATE TABLE t (a, b) /* by hand */ WITHOUT' WHERE name = 't';
    UPDATE sqlite_master SET sql = 'CREATE TABLE u (a' WHERE name = 'u';"""
    for sql in ("CREATE TABLE t (a, b) WITHOUT", "CREATE TABLE t (a", "CREATE", "CREATE TABLE t ('a", ""):
        with pytest.raises(Unreadable):
            read_table(sql, frozenset({"t", "a", "b"}))
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with closing(connection):
        connection.executescript(script)  # which SQLite itself reads only when it opens the file again
        answers = sqlite_catalog.read(connection, sqlite_target.path)
    catalog = sqlite_catalog.catalog_of(answers, hidden=())
    assert json.loads(catalog[Item("table", "u")]) == {"definition": "CREATE TABLE u (a"}
    assert Item("column", "b", "t") in catalog
    assert Item("column", "a", "u") in catalog


def test_a_virtual_table_of_a_module_that_is_not_here_is_told_by_its_text(sqlite_target: SqliteTarget) -> None:
    path = sqlite_target.path
    catalog_of(path, DOCS + "CREATE TABLE t (n); CREATE VIEW v AS SELECT * FROM docs;")
    sqlite_target.run("PRAGMA user_version = 1")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, 'fts5', 'nowhere') WHERE name = 'docs'")
    with open_sqlite(path, SETTINGS, read_only=True) as engine:
        catalog = engine.catalog()
    assert json.loads(catalog[Item("virtual table", "docs")])["module"] == "nowhere"
    assert json.loads(catalog[Item("view", "v")])["error"] == "no such module: nowhere"
    assert Item("column", "n", "t") in catalog


def test_shadow_tables_are_left_out_also_by_a_sqlite_that_does_not_tell_them(
    sqlite_target: SqliteTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"""{DOCS} CREATE VIRTUAL TABLE Places USING rtree(id, x0, x1); CREATE VIRTUAL TABLE old USING fts4(a);
    CREATE TABLE docs_of_ours (n); CREATE TABLE t_data (n);"""
    catalog = catalog_of(sqlite_target.path, script)
    assert {item.name for item in catalog if item.kind == "table"} == {"docs_of_ours", "t_data"}
    assert {item.name for item in catalog if item.kind == "virtual table"} == {"docs", "Places", "old"}

    def older(connection: sqlite3.Connection, path: Path, query: str, values: object = ()) -> list[tuple[object, ...]]:
        return [] if "table_list" in query else ask(connection, path, query, values)

    monkeypatch.setattr(sqlite_catalog, "ask", older)
    assert catalog_of(sqlite_target.path, script) == catalog


def test_names_without_need_of_quotes_have_none() -> None:
    assert [as_sql(name) for name in ("users", "Users", "_a1", "größe", "key", "a$b")] == [
        "users", "Users", "_a1", "größe", "key", "a$b",
    ]  # fmt: skip
    assert [as_sql(name) for name in ("a b", "1a", "", "Order", 'a"b', "a.b", "$a")] == [
        '"a b"', '"1a"', '""', '"Order"', '"a""b"', '"a.b"', '"$a"',
    ]  # fmt: skip
