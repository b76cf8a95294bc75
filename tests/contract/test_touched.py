"""What a step touched is recorded when it is applied, as its database tells it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from migration_manager.engines.base import SessionSettings
from migration_manager.engines.postgres_sql import MOST_TOUCHED
from migration_manager.model import Action, Change, Dialect, Directives, Run, Touched
from tests.fixtures.files import by_hand, change
from tests.fixtures.postgres import Database
from tests.fixtures.targets import PostgresTarget, Target

RUN = Run("run-1", "uat")
Case = tuple[list[str], list[str], set[str]]

# What was there before, what a migration does, and the names of what it touched.
BOTH: dict[str, Case] = {
    "makes a table": ([], ["CREATE TABLE t (n integer)"], {"t"}),
    "alters one": (["CREATE TABLE t (n integer)"], ["ALTER TABLE t ADD COLUMN m integer"], {"t"}),
    "makes an index": (["CREATE TABLE t (n integer)"], ["CREATE INDEX i ON t (n)"], {"t"}),
    "drops an index": (["CREATE TABLE t (n integer)", "CREATE INDEX i ON t (n)"], ["DROP INDEX i"], {"t"}),
    "writes rows": (["CREATE TABLE t (n integer)"], ["INSERT INTO t VALUES (1)"], {"t"}),
    "changes rows": (["CREATE TABLE t (n integer)"], ["UPDATE t SET n = 1"], {"t"}),
    "deletes rows": (["CREATE TABLE t (n integer)"], ["DELETE FROM t"], {"t"}),
    "only reads": (["CREATE TABLE t (n integer)"], ["SELECT * FROM t"], set()),
    "copies from another": (
        ["CREATE TABLE t (n integer)"], ["CREATE TABLE u AS SELECT * FROM t", "INSERT INTO u SELECT * FROM t"], {"u"},
    ),
    "makes a view": (["CREATE TABLE t (n integer)"], ["CREATE VIEW v AS SELECT n FROM t"], {"v"}),
    "a temporary table": ([], ["CREATE TEMPORARY TABLE x (n integer)", "INSERT INTO x VALUES (1)"], set()),
    "nothing at all": ([], ["SELECT 1"], set()),
    "a name that needs quotes": ([], ['CREATE TABLE "a.b ""c" (n integer)'], {'a.b "c'}),
}  # fmt: skip


PARTS = [
    "CREATE TABLE p (n integer) PARTITION BY RANGE (n)",
    "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9)",
]

POSTGRESQL: dict[str, Case] = {
    "refers to another": (
        ["CREATE TABLE u (n integer PRIMARY KEY)"], ["CREATE TABLE t (n integer REFERENCES u)"], {"t", "u"},
    ),
    "writes rows that refer to another": (
        ["CREATE TABLE u (n integer PRIMARY KEY)", "INSERT INTO u VALUES (1)",
         "CREATE TABLE t (n integer REFERENCES u)"],
        ["INSERT INTO t VALUES (1)"],
        {"t"},
    ),
    "attaches a partition": (
        PARTS, ["CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (19)"], {"p", "p2"},
    ),
    "writes rows into a partition": (PARTS, ["INSERT INTO p VALUES (1)"], {"p", "p1"}),
    "alters a partitioned table": (PARTS, ["ALTER TABLE p ADD COLUMN m integer"], {"p", "p1"}),
    "empties": (["CREATE TABLE t (n integer PRIMARY KEY, x text)"], ["TRUNCATE t"], {"t"}),
    "rewrites": (["CREATE TABLE t (n integer)"], ["ALTER TABLE t ALTER COLUMN n TYPE bigint"], {"t"}),
    "renames": (["CREATE TABLE t (n integer)"], ["ALTER TABLE t RENAME TO u"], {"u"}),
    "moves to a schema": (["CREATE TABLE t (n integer)"], ["CREATE SCHEMA s", "ALTER TABLE t SET SCHEMA s"], {"s.t"}),
    "makes a function": (
        ["CREATE TABLE t (n integer)"],
        ["CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM public.t'"],
        set(),
    ),
    "reads rows to change them later": (["CREATE TABLE t (n integer)"], ["SELECT * FROM t FOR UPDATE"], set()),
    "locks": (["CREATE TABLE t (n integer)"], ["LOCK TABLE t IN SHARE MODE"], {"t"}),
    "makes a trigger": (
        ["CREATE TABLE t (n integer)"],
        ["CREATE TRIGGER r BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"],
        {"t"},
    ),
    "writes through a view": (
        ["CREATE TABLE t (n integer)", "CREATE VIEW v AS SELECT n FROM t"], ["INSERT INTO v VALUES (1)"], {"t", "v"},
    ),
    "refreshes": (
        ["CREATE TABLE t (n integer)", "CREATE MATERIALIZED VIEW v AS SELECT n FROM t"],
        ["REFRESH MATERIALIZED VIEW v"],
        {"v"},
    ),
    "uses a sequence": (["CREATE SEQUENCE q"], ["SELECT nextval('q')"], set()),
    "takes back to a savepoint": (
        ["CREATE TABLE t (n integer)"], ["SAVEPOINT a", "DELETE FROM t", "ROLLBACK TO a"], set(),
    ),
    "empties its search path": (
        ["CREATE TABLE t (n integer)"],
        ["SELECT pg_catalog.set_config('search_path', '', false)", "ALTER TABLE public.t ADD m integer"],
        {"t"},
    ),
    "hides what we use": (
        ["CREATE TABLE t (n integer)"],
        [
            "CREATE SCHEMA s",
            "CREATE FUNCTION s.json_agg(text) RETURNS text LANGUAGE sql AS 'SELECT $1'",
            "CREATE DOMAIN s.regclass AS text",
            "CREATE VIEW s.pg_locks AS SELECT 1 AS n",
            "SET search_path = s, public, pg_catalog",
            "ALTER TABLE t ADD m integer",
        ],
        {"t", "s.pg_locks"},
    ),
    "takes another role": (
        ["CREATE TABLE t (n integer)", "GRANT ALL ON t TO pg_monitor"],
        ["SET ROLE pg_monitor", "INSERT INTO t VALUES (1)"],
        {"t"},
    ),
}  # fmt: skip

SQLITE: dict[str, Case] = {
    "renames": (["CREATE TABLE t (n integer)"], ["ALTER TABLE t RENAME TO u"], {"t", "u"}),
    "drops": (["CREATE TABLE t (n integer)"], ["DROP TABLE t"], {"t"}),
    "rebuilds": (
        ["CREATE TABLE t (n integer)"],
        ["CREATE TABLE new_t (n integer)", "INSERT INTO new_t SELECT * FROM t", "DROP TABLE t",
         "ALTER TABLE new_t RENAME TO t"],
        {"t", "new_t"},
    ),
    "drops a view": (["CREATE TABLE t (n integer)", "CREATE VIEW v AS SELECT n FROM t"], ["DROP VIEW v"], {"v"}),
    "writes by a trigger": (
        ["CREATE TABLE t (n integer)", "CREATE TABLE u (n integer)",
         "CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO u VALUES (1); END"],
        ["INSERT INTO t VALUES (1)"],
        {"t", "u"},
    ),
    "makes a trigger": (
        ["CREATE TABLE t (n integer)"], ["CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END"], {"t"},
    ),
    "analyzes": (["CREATE TABLE t (n integer)"], ["ANALYZE"], set()),
    "writes as an upsert": (
        ["CREATE TABLE t (n integer PRIMARY KEY)"], ["INSERT INTO t VALUES (1) ON CONFLICT DO UPDATE SET n = 2"], {"t"},
    ),
}  # fmt: skip


def touched(target: Target, before: list[str], statements: list[str]) -> tuple[Touched, ...] | None:
    """Apply two migrations and return what the second one touched."""
    with target.open() as engine:
        engine.ensure_history(RUN)
        engine.transact(RUN, [change("before", *(before or ["SELECT 1"]))])
        engine.transact(RUN, [change("it", *statements)])
        (row,) = [row for row in engine.recorded().applied if row.name == "it"]
        return row.touched


def shown(found: tuple[Touched, ...] | None) -> set[str]:
    """Return the names, those of the usual schema without it."""
    assert found is not None
    return {one.name.removeprefix("public.") for one in found if one.name is not None}


def check(target: Target, case: Case) -> None:
    before, statements, expected = case
    found = touched(target, before, statements)
    assert shown(found) == expected
    assert found is not None
    assert all((one.oid is None) is (target.dialect is Dialect.SQLITE) for one in found)


@pytest.mark.parametrize("case", BOTH.values(), ids=BOTH)
def test_a_step_that(target: Target, case: Case) -> None:
    check(target, case)


@pytest.mark.postgres
@pytest.mark.parametrize("case", POSTGRESQL.values(), ids=POSTGRESQL)
def test_a_step_in_postgresql_that(database: Database, case: Case) -> None:
    check(PostgresTarget(database), case)


@pytest.mark.parametrize("case", SQLITE.values(), ids=SQLITE)
def test_a_step_in_sqlite_that(sqlite_target: Target, case: Case) -> None:
    check(sqlite_target, case)


# --------------------------------------------------------------------------------- known, and not known


def all_touched(target: Target) -> dict[str, tuple[Touched, ...] | None]:
    with target.open() as engine:
        return {row.name: row.touched for row in engine.recorded().applied}


def test_what_did_not_run_is_not_known_and_what_ran_nothing_touched_nothing(target: Target) -> None:
    with target.open() as engine:
        engine.ensure_history(RUN)
        engine.transact(RUN, [change("recorded", action=Action.BASELINE)])
        engine.transact(RUN, [Change(Action.MIGRATE, "empty", by_hand(), checksum="v1:0")])
    assert all_touched(target) == {"recorded": None, "empty": ()}


def test_accepting_a_changed_file_keeps_what_is_known(target: Target) -> None:
    with target.open() as engine:
        engine.ensure_history(RUN)
        engine.transact(RUN, [change("it", "CREATE TABLE t (n integer)")])
        engine.transact(RUN, [change("it", action=Action.REPAIR)])
    assert shown(all_touched(target)["it"]) == {"t"}


def test_of_several_in_one_transaction_nobody_is_said_to_have_touched_what_another_did(target: Target) -> None:
    with target.open() as engine:
        engine.ensure_history(RUN)
        engine.transact(RUN, [change("a", "CREATE TABLE t (n integer)"), change("b", "CREATE TABLE u (n integer)")])
    found = all_touched(target)
    assert shown(found["a"]) == {"t"}
    if target.dialect is Dialect.SQLITE:
        assert shown(found["b"]) == {"u"}
    else:
        assert found["b"] is None, "the locks of the first are held as long as its own"


def test_a_no_transaction_script(target: Target) -> None:
    with target.open() as engine:
        engine.ensure_history(RUN)
        outside = change("a", "CREATE TABLE t (n integer)", directives=Directives(no_transaction=True))
        engine.run_outside_transaction(RUN, outside)
    found = all_touched(target)["a"]
    if target.dialect is Dialect.SQLITE:
        assert shown(found) == {"t"}
    else:
        assert found is None, "each statement let go of its locks"


@pytest.mark.parametrize("read_only", [True, False])
def test_who_may_only_read_sees_it_too(target: Target, *, read_only: bool) -> None:
    touched(target, [], ["CREATE TABLE t (n integer)"])
    with target.open(read_only=read_only) as engine:
        assert shown(engine.recorded().applied[-1].touched) == {"t"}


def test_a_history_of_another_name_is_left_out_too(target: Target) -> None:
    settings = SessionSettings(history_table='Our "x"')
    with target.open(settings) as engine:
        engine.ensure_history(RUN)
        engine.transact(RUN, [change("a", "CREATE TABLE t (n integer)")])
        assert shown(engine.recorded().applied[-1].touched) == {"t"}


@pytest.mark.postgres
def test_a_dropped_table_is_known_by_its_number(database: Database) -> None:
    target = PostgresTarget(database)
    with target.open() as engine:
        engine.ensure_history(RUN)
        engine.transact(RUN, [change("a", "CREATE TABLE t (n integer)")])
        engine.transact(RUN, [change("b", "DROP TABLE t")])
    found = all_touched(target)
    ((number, name),) = found["a"] or ()
    assert name == "public.t"
    assert Touched(number, None) in (found["b"] or ())


@pytest.mark.postgres
def test_numbers_say_nothing_in_a_restored_copy(database: Database) -> None:
    target = PostgresTarget(database)
    with target.open() as engine:
        engine.ensure_history(RUN)
        engine.transact(RUN, [change("a", "CREATE TABLE t (n integer)")])
        engine.transact(RUN, [change("b", "DROP TABLE t")])
    # What a dump and restore comes to: the same rows in a log that has another number.
    target.run("CREATE TABLE copy (LIKE schema_migrations_log INCLUDING ALL)")
    target.run("INSERT INTO copy OVERRIDING SYSTEM VALUE TABLE schema_migrations_log")
    target.run("ALTER TABLE schema_migrations_log RENAME TO old")
    target.run("ALTER TABLE copy RENAME TO schema_migrations_log")
    assert all_touched(target) == {"a": (Touched(None, "public.t"),), "b": None}


@pytest.mark.postgres
def test_too_many_are_not_known_rather_than_some(database: Database) -> None:
    many = [f"CREATE TABLE t{n} (n integer)" for n in range(MOST_TOUCHED + 1)]
    assert touched(PostgresTarget(database), [], many) is None


def test_the_last_run_is_the_newest_that_began_to_migrate(target: Target) -> None:
    with target.open() as engine:
        assert engine.recorded().last_run is None
        engine.ensure_history(RUN)
        assert engine.recorded().last_run is None
        engine.transact(RUN, [change("a", "CREATE TABLE t (n integer)")])
        old = engine.recorded().last_run
        assert (old and (old.id, old.count)) == ("run-1", 1), "a log of before runs said that they began"
        engine.log_start(replace(RUN, id="run-2"), Action.MIGRATE)
        engine.log_failure(replace(RUN, id="run-2"), change("b", "SELECT 1"), "it broke", None, 1)
        engine.log_start(replace(RUN, id="run-3"), Action.ROLLBACK)
        last = engine.recorded().last_run
    assert last is not None
    assert (last.id, last.count) == ("run-2", 0)
    assert last.by
    assert abs(last.at - datetime.now(UTC)) < timedelta(minutes=10)
