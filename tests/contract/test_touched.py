"""What a step touched is recorded when it is applied, as its database tells it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migration_manager.engines.base import SessionSettings
from migration_manager.model import Action, Dialect, Directives, Run, Touched
from tests.fixtures.files import by_hand, change
from tests.fixtures.targets import PostgresTarget, Target

RUN = Run("run-1", "uat")
Names = set[str]

# What was there before, what a migration does, and which tables it touched; None stands for one that has no name now.
BOTH: dict[str, tuple[list[str], list[str], set[str | None]]] = {
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
    "drops a view": (["CREATE TABLE t (n integer)", "CREATE VIEW v AS SELECT n FROM t"], ["DROP VIEW v"], {"v"}),
    "a temporary table": ([], ["CREATE TEMPORARY TABLE x (n integer)", "INSERT INTO x VALUES (1)"], set()),
    "nothing at all": ([], ["SELECT 1"], set()),
    "a name that needs quotes": ([], ['CREATE TABLE "a.b ""c" (n integer)'], {'a.b "c'}),
}  # fmt: skip


def touched(target: Target, before: list[str], statements: list[str]) -> tuple[Touched, ...] | None:
    """Apply two migrations and return what the second one touched."""
    with target.open() as engine:
        engine.ensure_history(RUN)
        engine.transact(RUN, [change("before", *(before or ["SELECT 1"]))])
        engine.transact(RUN, [change("it", *statements)])
        (row,) = [row for row in engine.recorded().applied if row.name == "it"]
        return row.touched


@pytest.mark.parametrize("case", BOTH.values(), ids=BOTH)
def test_a_step_that(target: Target, case: tuple[list[str], list[str], set[str | None]]) -> None:
    before, statements, expected = case
    found = touched(target, before, statements)
    assert found is not None
    shown = {None if one.name is None else one.name.removeprefix("public.") for one in found}
    dropped_here = target.dialect is Dialect.POSTGRESQL and any("DROP" in each for each in statements)
    assert shown - ({None} if dropped_here else set()) == (
        expected - ({"v"} if dropped_here else set())
    )
    assert all((one.oid is None) is (target.dialect is Dialect.SQLITE) for one in found)
