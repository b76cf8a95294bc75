"""What the wire does with a COPY that no lexer has seen: it neither hangs nor fails for lack of a reader or of rows."""

from __future__ import annotations

import pytest

from migration_manager.errors import SqlFailed
from migration_manager.model import Run
from tests.fixtures.files import change
from tests.fixtures.postgres import Database
from tests.fixtures.targets import PostgresTarget

pytestmark = pytest.mark.postgres

RUN = Run("run-1", "dev")
NAME = "20250101_000000_example"


def migrate(target: PostgresTarget, *statements: str, together: bool) -> None:
    with target.open() as engine, engine.exclusive(1, lambda _holder, _seconds: None):
        engine.ensure_history(RUN)
        engine.transact(RUN, [change(NAME, *statements, together=together)])


@pytest.mark.parametrize("together", [True, False], ids=["one message", "several"])
def test_rows_that_the_server_sends_are_passed_over(database: Database, together: bool) -> None:
    target = PostgresTarget(database)
    migrate(
        target,
        "CREATE TABLE t (i integer)",
        "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 20000)) TO STDOUT",
        "INSERT INTO t VALUES (1)",
        together=together,
    )
    assert target.rows("SELECT i FROM t") == [(1,)]
    assert target.rows("SELECT migration_name, state FROM schema_migrations") == [(NAME, "applied")]


@pytest.mark.parametrize("together", [True, False], ids=["one message", "several"])
def test_a_copy_without_rows_is_refused_and_keeps_nothing(database: Database, together: bool) -> None:
    target = PostgresTarget(database)
    with pytest.raises(SqlFailed) as caught:
        migrate(target, "CREATE TABLE t (i integer)", "COPY t FROM STDIN", "SELECT 1", together=together)
    assert caught.value.code == "57014"
    assert "no rows follow" in caught.value.message
    assert not target.has_table("t")
    assert target.rows("SELECT count(*) FROM schema_migrations") == [(0,)]
