"""What every engine promises about how far a no-transaction script came, and about going on with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from migration_manager.engines.base import Engine
from migration_manager.errors import AlreadyRecorded, SqlFailed
from migration_manager.messages import digest_of, one_by_one
from migration_manager.model import Action, Applied, Attempt, Change, Outcome, Progress, Resumption, Run, State
from tests.fixtures.files import change
from tests.fixtures.targets import SLOW, Target, ctrl_c_after

FIRST = Run("run-1", "uat")
SECOND = Run("run-2", "uat")
TABLE, ROW, BROKEN = "CREATE TABLE t (n integer)", "INSERT INTO t VALUES (1)", "INSERT INTO nowhere VALUES (1)"
ROW_AFTER = "INSERT INTO t VALUES (2)"


@contextmanager
def ready(target: Target) -> Iterator[Engine]:
    with target.open() as engine:
        engine.ensure_history(FIRST)
        yield engine


def only_row(engine: Engine) -> Applied:
    (row,) = engine.recorded().applied
    return row


def digests(of: Change) -> tuple[str, ...]:
    assert of.script is not None
    return tuple(map(digest_of, one_by_one(of.script)))


def fails(engine: Engine, migration: Change) -> SqlFailed:
    with pytest.raises(SqlFailed) as caught:
        engine.run_outside_transaction(FIRST, migration)
    return caught.value


def going_on(migration: Change, skip: int) -> Change:
    return replace(migration, resumption=Resumption(skip))


def noted(target: Target) -> list[tuple[object, ...]]:
    return target.rows("SELECT migration_name, statement FROM schema_migrations_progress")


def test_a_script_that_failed_says_how_far_it_came(target: Target) -> None:
    migration = change("a", TABLE, ROW, BROKEN, "VACUUM")
    with ready(target) as engine:
        assert fails(engine, migration).kept == 2
        assert only_row(engine).progress == Progress(2, 4, 3, Attempt.FAILED)
        assert engine.done_statements("a") == digests(migration)[:2]
        assert engine.done_statements("b") == ()


def test_a_script_whose_first_statement_failed_has_nothing_done(target: Target) -> None:
    with ready(target) as engine:
        fails(engine, change("a", BROKEN, ROW))
        assert only_row(engine).progress == Progress(0, 2, 1, Attempt.FAILED)
        assert engine.done_statements("a") == ()


def test_a_database_without_history_has_no_statement_done(target: Target) -> None:
    with target.open() as engine:
        assert engine.done_statements("a") == ()


def test_a_statement_that_was_interrupted_is_not_done(target: Target) -> None:
    migration = change("a", TABLE, SLOW[target.dialect])
    with ready(target) as engine:
        with pytest.raises(KeyboardInterrupt), ctrl_c_after(0.5):
            engine.run_outside_transaction(FIRST, migration)
        progress = only_row(engine).progress
        assert progress is not None
        assert (progress.done, progress.at) == (1, 2)
        assert progress.attempt in (Attempt.DONE, Attempt.FAILED), "it was rolled back, and that is known"
    assert target.rows("SELECT n FROM t") == []


def test_a_resumption_runs_what_is_not_done_and_keeps_the_run_that_began(target: Target) -> None:
    broken = change("a", TABLE, ROW, BROKEN, "VACUUM")
    mended = going_on(change("a", TABLE, ROW, ROW_AFTER, "VACUUM"), 2)
    with ready(target) as engine:
        fails(engine, broken)
        engine.run_outside_transaction(SECOND, mended)
        row = only_row(engine)
        assert (row.state, row.run_id, row.checksum) == (State.APPLIED, FIRST.id, mended.checksum)
        assert (row.action, row.progress) == (Action.MIGRATE, None)
        assert engine.done_statements("a") == ()
        log = [(each.action, each.outcome, each.run_id, each.reason) for each in reversed(engine.log(name="a"))]
        assert log == [
            (Action.MIGRATE, Outcome.STARTED, FIRST.id, None),
            (Action.RESUME, Outcome.STARTED, SECOND.id, "at statement 3"),
            (Action.RESUME, Outcome.DONE, SECOND.id, None),
        ]
    assert target.rows("SELECT n FROM t ORDER BY n") == [(1,), (2,)]
    assert noted(target) == []


def test_a_resumption_that_fails_is_unfinished_where_it_failed(target: Target) -> None:
    again = going_on(change("a", TABLE, ROW, ROW_AFTER, BROKEN, ROW), 2)
    with ready(target) as engine:
        fails(engine, change("a", TABLE, ROW, BROKEN))
        began = only_row(engine).applied_at
        error = fails(engine, again)
        assert error.kept == 3
        row = only_row(engine)
        assert (row.state, row.run_id, row.applied_at) == (State.UNFINISHED, FIRST.id, began)
        assert (row.progress and row.progress.at, row.checksum) == (4, again.checksum)
        assert engine.done_statements("a") == digests(again)[:3]
        engine.log_failure(SECOND, again, str(error), error.code, 1)
        newest = engine.log(name="a", limit=1)[0]
        assert (newest.action, newest.outcome) == (Action.RESUME, Outcome.FAILED)


def test_a_rollback_goes_on_and_deletes_the_row(target: Target) -> None:
    back = change("a", "DROP TABLE t", BROKEN, action=Action.ROLLBACK)
    with ready(target) as engine:
        engine.transact(FIRST, [change("a", TABLE)])
        fails(engine, back)
        row = only_row(engine)
        assert (row.action, row.progress) == (Action.ROLLBACK, Progress(1, 2, 2, Attempt.FAILED))
        engine.run_outside_transaction(
            SECOND, going_on(change("a", "DROP TABLE t", "SELECT 1", action=Action.ROLLBACK), 1)
        )
        assert engine.recorded().applied == ()
    assert noted(target) == []


def test_a_statement_in_doubt_that_a_person_takes_for_done_counts_as_done(target: Target) -> None:
    with ready(target) as engine:
        fails(engine, change("a", TABLE, BROKEN))
        target.run("UPDATE schema_migrations_progress SET state = 'started' WHERE statement = 2")
        assert only_row(engine).progress == Progress(1, 2, 2, Attempt.STARTED)
        goes_on = change("a", TABLE, BROKEN, ROW, BROKEN)
        taken = replace(goes_on, resumption=Resumption(2, taken=digests(goes_on)[1]))
        assert fails(engine, taken).kept == 3
        assert only_row(engine).progress == Progress(3, 4, 4, Attempt.FAILED), "the file has four statements now"
        assert len(engine.done_statements("a")) == 3


def test_only_what_is_unfinished_goes_on(target: Target) -> None:
    with ready(target) as engine, pytest.raises((AlreadyRecorded, SqlFailed)):
        engine.run_outside_transaction(FIRST, going_on(change("a", TABLE), 0))
    assert not target.has_table("t")


@pytest.mark.parametrize("way", [Action.FORGET, Action.BASELINE, Action.ROLLBACK, Action.RESUME])
def test_notes_are_gone_with_the_unfinished_state(target: Target, way: Action) -> None:
    with ready(target) as engine:
        fails(engine, change("a", TABLE, BROKEN))
        assert noted(target)
        engine.transact(SECOND, [change("a", *(["SELECT 1"] if way is Action.ROLLBACK else []), action=way)])
        assert [row.state for row in engine.recorded().applied] == (
            [State.APPLIED] if way in (Action.BASELINE, Action.RESUME) else []
        )
    assert noted(target) == []


def test_what_a_person_finished_stays_a_part_of_the_run_that_began_it(target: Target) -> None:
    migration = change("a", TABLE, BROKEN)
    with ready(target) as engine:
        fails(engine, migration)
        engine.transact(SECOND, [Change(Action.RESUME, "a", reason="marked as applied")])
        row = only_row(engine)
        assert (row.state, row.run_id, row.checksum) == (State.APPLIED, FIRST.id, migration.checksum)
        newest = engine.log(name="a", limit=1)[0]
        assert (newest.action, newest.outcome, newest.reason) == (Action.RESUME, Outcome.DONE, "marked as applied")


def test_a_history_without_notes_is_read_and_completed(target: Target) -> None:
    with ready(target) as engine:
        fails(engine, change("a", TABLE, BROKEN))
    target.run("DROP TABLE schema_migrations_progress")
    with target.open() as engine:
        assert only_row(engine).progress is None
        assert engine.done_statements("a") == ()
        engine.ensure_history(SECOND)
        assert only_row(engine).progress is None
    assert noted(target) == []
