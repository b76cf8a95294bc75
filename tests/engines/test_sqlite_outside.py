"""How SQLite runs a no-transaction script: what is noted when, and what the notes leave alone."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from migration_manager.engines.base import SessionSettings
from migration_manager.engines.sqlite import SqliteEngine, open_sqlite
from migration_manager.errors import AlreadyRecorded, SqlFailed
from migration_manager.model import Attempt, Change, Progress, Resumption, Run, State
from tests.fixtures.files import change
from tests.fixtures.targets import REPOSITORY, SqliteTarget, ctrl_c_after

RUN = Run("run-1", "dev")
BROKEN = "INSERT INTO nowhere VALUES (1)"
TABLE, ROW = "CREATE TABLE t (n)", "INSERT INTO t VALUES (1)"
FAMILY = (
    "PRAGMA foreign_keys = ON",
    "CREATE TABLE parent (id integer PRIMARY KEY)",
    "CREATE TABLE child (parent integer REFERENCES parent ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED)",
    "INSERT INTO parent VALUES (1)",
    "INSERT INTO child VALUES (1)",
)


@pytest.fixture
def path(sqlite_target: SqliteTarget) -> Path:
    """Return the path of a database that does not exist yet, alone in its folder."""
    return sqlite_target.path


@contextmanager
def ready(path: Path) -> Iterator[SqliteEngine]:
    with open_sqlite(path, SessionSettings()) as engine:
        engine.ensure_history(RUN)
        yield engine


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(query).fetchall()


def fails(engine: SqliteEngine, *statements: str) -> SqlFailed:
    with pytest.raises(SqlFailed) as caught:
        engine.run_outside_transaction(RUN, change("a", *statements))
    return caught.value


def progress(engine: SqliteEngine) -> Progress | None:
    (row,) = engine.recorded().applied
    return row.progress


def going_on(skip: int, *statements: str) -> Change:
    return replace(change("a", *statements), resumption=Resumption(skip))


# ------------------------------------------------------------------- transactions of the script's own


def test_a_transaction_of_the_scripts_own_is_noted_when_it_is_committed(path: Path) -> None:
    with ready(path) as engine:
        fails(engine, "BEGIN", TABLE, ROW, "COMMIT", BROKEN)
        assert progress(engine) == Progress(4, 5, 5, Attempt.FAILED)
    assert rows(path, "SELECT n FROM t") == [(1,)]


@pytest.mark.parametrize("begin", ["BEGIN", "BEGIN IMMEDIATE", "SAVEPOINT s"])
def test_a_transaction_of_the_scripts_own_that_fails_goes_on_at_its_beginning(path: Path, begin: str) -> None:
    end = "RELEASE s" if begin.startswith("SAVEPOINT") else "COMMIT"
    with ready(path) as engine:
        assert fails(engine, TABLE, begin, ROW, BROKEN, end).kept == 1
        assert progress(engine) == Progress(1, 5, 4, Attempt.FAILED)
        assert len(engine.done_statements("a")) == 1
        engine.run_outside_transaction(RUN, going_on(1, TABLE, begin, ROW, ROW, end))
    assert rows(path, "SELECT n FROM t") == [(1,), (1,)]


def test_savepoints_inside_a_transaction_of_the_scripts_own_do_not_end_it(path: Path) -> None:
    mixed = ("BEGIN", "SAVEPOINT a", ROW, "SAVEPOINT b", "RELEASE b", "ROLLBACK TO a", ROW, "RELEASE a")
    with ready(path) as engine:
        assert fails(engine, TABLE, *mixed, BROKEN).kept == 1
        assert progress(engine) == Progress(1, 10, 10, Attempt.FAILED)
        engine.run_outside_transaction(RUN, going_on(1, TABLE, *mixed, "COMMIT"))
    assert rows(path, "SELECT n FROM t") == [(1,)]


def test_a_transaction_that_the_script_takes_back_is_behind_it(path: Path) -> None:
    with ready(path) as engine:
        assert fails(engine, TABLE, "BEGIN", ROW, "ROLLBACK", BROKEN).kept == 4
        assert progress(engine) == Progress(4, 5, 5, Attempt.FAILED)
    assert rows(path, "SELECT n FROM t") == []


def test_a_conflict_that_rolls_back_is_a_failed_statement(path: Path) -> None:
    with ready(path) as engine:
        assert fails(engine, "CREATE TABLE t (n UNIQUE)", ROW, "INSERT OR ROLLBACK INTO t VALUES (1)").kept == 2
        assert progress(engine) == Progress(2, 3, 3, Attempt.FAILED)


# ------------------------------------------------------------------------------ settings of a session


def test_settings_are_made_again_when_a_script_goes_on(path: Path, tmp_path: Path) -> None:
    attach = f"ATTACH '{tmp_path / 'other.db'}' AS other"
    script = ("PRAGMA case_sensitive_like = ON", attach, TABLE)
    with ready(path) as engine:
        fails(engine, *script, BROKEN)
        assert progress(engine) == Progress(3, 4, 4, Attempt.FAILED)
        engine.run_outside_transaction(
            RUN, going_on(3, *script, "CREATE TABLE other.u (n)", "INSERT INTO t SELECT 'A' LIKE 'a'")
        )
    assert rows(path, "SELECT n FROM t") == [(0,)]
    assert rows(tmp_path / "other.db", "SELECT n FROM u") == []


def test_settings_that_do_nothing_in_a_transaction_work(path: Path) -> None:
    with ready(path) as engine:
        engine.run_outside_transaction(RUN, change("a", "PRAGMA journal_mode = WAL", "/* all */ VACUUM", *FAMILY))
        engine.run_outside_transaction(RUN, change("b", FAMILY[0], "DELETE FROM parent"))
    assert rows(path, "PRAGMA journal_mode") == [("wal",)]
    assert rows(path, "SELECT * FROM child") == [], "foreign keys were enforced"


def test_a_deferred_foreign_key_fails_the_statement_that_broke_it(path: Path) -> None:
    with ready(path) as engine:
        error = fails(engine, *FAMILY, "INSERT INTO child VALUES (7)")
        assert (error.kept, error.code) == (5, "SQLITE_CONSTRAINT_FOREIGNKEY")
        assert progress(engine) == Progress(5, 6, 6, Attempt.FAILED)
    assert rows(path, "SELECT * FROM child") == [(1,)]


def test_foreign_keys_put_off_for_a_transaction_stay_put_off(path: Path) -> None:
    broken_and_mended = ("INSERT INTO child VALUES (2)", "INSERT INTO parent VALUES (2)")
    with ready(path) as engine:
        engine.run_outside_transaction(
            RUN, change("a", *FAMILY, "PRAGMA defer_foreign_keys = ON", "BEGIN", *broken_and_mended, "COMMIT")
        )
    assert rows(path, "SELECT count(*) FROM child") == [(2,)]


# ------------------------------------------------------------------------------------------- the notes


def test_notes_leave_the_last_row_id_alone(path: Path) -> None:
    with ready(path) as engine:
        engine.run_outside_transaction(
            RUN, change("a", TABLE, "INSERT INTO t VALUES (5), (6)", "INSERT INTO t SELECT last_insert_rowid()")
        )
    assert rows(path, "SELECT n FROM t") == [(5,), (6,), (2,)]


def test_a_temporary_table_does_not_hide_the_notes(path: Path) -> None:
    with ready(path) as engine:
        fails(engine, "CREATE TEMP TABLE schema_migrations_progress (n)", TABLE, BROKEN)
        assert progress(engine) == Progress(2, 3, 3, Attempt.FAILED)


def test_a_script_that_drops_the_notes_fails_and_drops_nothing(path: Path) -> None:
    with ready(path) as engine:
        error = fails(engine, TABLE, "DROP TABLE schema_migrations_progress")
        assert error.kept == 1
        assert error.hint == "does it touch the history tables?"
        assert progress(engine) == Progress(1, 2, 2, Attempt.FAILED)


def test_a_vacuum_that_failed_is_known_to_have_failed(path: Path) -> None:
    with ready(path) as engine:
        error = fails(engine, TABLE, "VACUUM nowhere")
        assert error.kept == 1
        assert progress(engine) == Progress(1, 2, 2, Attempt.FAILED)
        engine.run_outside_transaction(RUN, going_on(1, TABLE, "VACUUM"))
        assert engine.recorded().applied[0].state is State.APPLIED


def test_what_is_finished_does_not_go_on(path: Path) -> None:
    with ready(path) as engine:
        engine.run_outside_transaction(RUN, change("a", TABLE))
        with pytest.raises(AlreadyRecorded, match="not unfinished any more"):
            engine.run_outside_transaction(RUN, going_on(0, ROW))
    assert rows(path, "SELECT n FROM t") == []


# ----------------------------------------------------------------------------------- others in the file


@contextmanager
def in_use_after_the_first(path: Path, statement: str, **settings: Any) -> Iterator[SqliteEngine]:
    """Open an engine; when the first statement of a script has run, somebody else uses the file for good."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:

        def begin(*_: object) -> None:
            if not other.in_transaction:
                other.execute(statement)
                other.execute("SELECT * FROM sqlite_master").fetchall()

        with open_sqlite(path, SessionSettings(**settings), on_advance=begin) as engine:
            engine.ensure_history(RUN)
            yield engine
            other.execute("ROLLBACK")


@pytest.mark.parametrize(
    ("script", "statement"),
    [(("PRAGMA case_sensitive_like = ON", TABLE), "BEGIN IMMEDIATE"), ((TABLE, ROW), "BEGIN")],
    ids=["before BEGIN", "before COMMIT"],
)
def test_ctrl_c_is_heard_while_it_waits_for_others(path: Path, script: tuple[str, ...], statement: str) -> None:
    with in_use_after_the_first(path, statement, lock_timeout=15_000) as engine:
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt), ctrl_c_after(0.5):
            engine.run_outside_transaction(RUN, change("a", *script))
        assert time.monotonic() - began < 5
    with open_sqlite(path, SessionSettings()) as engine:
        assert progress(engine) == Progress(0, 2, 1, Attempt.DONE)
    assert rows(path, "SELECT 1 FROM sqlite_master WHERE name = 't'") == []


def test_a_script_may_say_itself_how_long_it_waits_for_others(path: Path) -> None:
    with in_use_after_the_first(path, "BEGIN IMMEDIATE", lock_timeout=15_000) as engine:
        began = time.monotonic()
        error = fails(engine, "PRAGMA busy_timeout = 300", TABLE)
        assert time.monotonic() - began < 5
    assert (error.code, error.kept) == ("SQLITE_BUSY", 1)


# --------------------------------------------------------------------------------------------- killing

KILLED_RUNNER = """
import sys
from dataclasses import replace
from pathlib import Path
from migration_manager.engines.base import SessionSettings
from migration_manager.engines.sqlite import open_sqlite
from migration_manager.model import Resumption, Run
from tests.fixtures.files import change
number = int(sys.argv[2])
migration = change("a", "CREATE TABLE t (n)", *(f"INSERT INTO t VALUES ({n})" for n in range(number)))
with open_sqlite(Path(sys.argv[1]), SessionSettings()) as engine:
    print("ready", flush=True)
    if engine.recorded().applied:
        migration = replace(migration, resumption=Resumption(len(engine.done_statements("a"))))
    engine.run_outside_transaction(Run("r", "dev"), migration)
print("done", flush=True)
"""


def test_a_script_whose_runner_is_killed_again_and_again_runs_each_statement_once(path: Path) -> None:
    seed, number, kills = random.randrange(1 << 32), 400, 0  # noqa: S311 - not for secrets
    moments = random.Random(seed)  # noqa: S311
    with ready(path):
        pass
    while True:
        with subprocess.Popen(
            [sys.executable, "-c", KILLED_RUNNER, path, str(number)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        ) as runner:
            assert runner.stdout is not None
            assert runner.stdout.readline() == b"ready\n"
            if kills < 10:
                time.sleep(moments.uniform(0.001, 0.1))
                runner.kill()
            ended = runner.stdout.read() == b"done\n"
        kills += not ended
        with open_sqlite(path, SessionSettings()) as engine:
            done, applied = len(engine.done_statements("a")), engine.recorded().applied
        if applied and applied[0].state is State.APPLIED:
            break
        made = bool(rows(path, "SELECT 1 FROM sqlite_master WHERE name = 't'"))
        assert done == (1 + len(rows(path, "SELECT n FROM t")) if made else 0), f"seed {seed}"
    assert rows(path, "SELECT n FROM t ORDER BY rowid") == [(n,) for n in range(number)], f"seed {seed}"
    assert kills > 0
