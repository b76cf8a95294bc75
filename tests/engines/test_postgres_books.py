"""Writing to the books alone: what was committed counts, and whoever is stopped leaves a session that can be asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from migration_manager.engines.postgres_session import Session
from migration_manager.model import Action, Run
from tests.fixtures.postgres import Database
from tests.fixtures.targets import PostgresTarget, ctrl_c_after

pytestmark = pytest.mark.postgres

RUN = Run("run-1", "dev")
LOG = "SELECT action, outcome FROM schema_migrations_log ORDER BY id"


def test_what_is_refused_after_the_commit_does_not_undo_it(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancel that comes in between refuses the first statement after the COMMIT, as this division does."""
    ending = Session.ending
    monkeypatch.setattr(Session, "ending", lambda session: [*ending(session), "SELECT 1 / 0"])
    target = PostgresTarget(database)
    with target.open() as engine:
        engine.ensure_history(RUN)
        engine.log_start(RUN, Action.MIGRATE)
        assert engine.recorded().exists
    assert target.rows(LOG) == [("stamp", "done"), ("run", "started")]


@contextmanager
def locked(database: Database, mode: str) -> Iterator[None]:
    """Have the log locked by somebody else."""
    with database.connect() as other:
        other.execute("BEGIN")
        other.execute(f"LOCK TABLE schema_migrations_log IN {mode} MODE".encode())
        yield
        other.execute("ROLLBACK")


def test_ctrl_c_while_the_books_wait_leaves_a_session_that_can_be_asked(database: Database) -> None:
    target = PostgresTarget(database)
    with target.open() as engine:
        engine.ensure_history(RUN)
        with locked(database, "SHARE"):
            with pytest.raises(KeyboardInterrupt), ctrl_c_after(0.5):
                engine.log_start(RUN, Action.MIGRATE)
            assert engine.recorded().environment == "dev"
        assert target.rows(LOG) == [("stamp", "done")]


def test_ctrl_c_while_a_question_waits_leaves_a_session_that_can_be_asked(database: Database) -> None:
    with PostgresTarget(database).open() as engine:
        engine.ensure_history(RUN)
        with locked(database, "ACCESS EXCLUSIVE"), pytest.raises(KeyboardInterrupt), ctrl_c_after(0.5):
            engine.recorded()
        assert engine.recorded().environment == "dev"
