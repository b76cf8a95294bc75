"""What only SQLite has: files, pragmas, foreign keys that are off, errors without a place, a lock beside the file."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import migration_manager
from migration_manager.engines import sqlite_lock
from migration_manager.engines.base import SessionSettings
from migration_manager.engines.sqlite import SqliteEngine, open_sqlite
from migration_manager.engines.sqlite_admin import SqliteAdministration
from migration_manager.engines.sqlite_position import point_at
from migration_manager.errors import (
    AlreadyRecorded,
    ConfigError,
    DatabaseMissing,
    DatabaseUnreachable,
    Exit,
    HistoryError,
    LockNotAcquired,
    MigrationManagerError,
    SqlFailed,
    TryLater,
)
from migration_manager.model import Action, Dialect, Directives, LockHolder, Notice, Outcome, Recorded, Run, State
from tests.fixtures.files import change, parsed
from tests.fixtures.targets import REPOSITORY, SqliteTarget, ctrl_c_after

RUN = Run("run-1", "dev")
SETTINGS = SessionSettings()
IMPATIENT = SessionSettings(lock_timeout=100)
NOTHING = Recorded(exists=False, environment=None, applied=())
INTERRUPTED = (str(Path(migration_manager.__file__).parent), contextlib.__file__)
TraceFunction = Callable[[FrameType, str, object], Any]
SLOW = "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 1000000000) SELECT count(*) FROM r"


# Interrupted between a connection's making and its name, Python closes it, and says so from 3.13 on.
dropped_connections = pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")


@pytest.fixture
def path(sqlite_target: SqliteTarget) -> Path:
    """Return the path of a database that does not exist yet, alone in its folder."""
    return sqlite_target.path


@contextmanager
def ready(path: Path, settings: SessionSettings = SETTINGS) -> Iterator[SqliteEngine]:
    with open_sqlite(path, settings) as engine:
        engine.ensure_history(RUN)
        yield engine


@contextmanager
def directly(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def tables(path: Path) -> set[str]:
    with directly(path) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with directly(path) as connection:
        return connection.execute(query).fetchall()


def beside(path: Path) -> set[str]:
    return {other.name for other in path.parent.iterdir()}


def never(holder: LockHolder | None, seconds: float) -> None:
    """Stand for `on_wait` where nobody is expected to wait."""


# -------------------------------------------------------------------------------------------- files


def test_only_writing_makes_the_file(path: Path) -> None:
    for read_only in (True, False):
        with open_sqlite(path, SETTINGS, read_only=read_only) as engine:
            assert engine.recorded() == NOTHING
            assert engine.log() == ()
            assert engine.kept_texts(["v1:0"]) == {}
            assert engine.identify().database == "app.db"
            assert not engine.identify().read_only
            engine.log_failure(RUN, change("a"), "it broke", None, 1)
        assert beside(path) == set()
    with open_sqlite(path, SETTINGS) as engine:
        engine.ensure_history(RUN)
    assert beside(path) == {"app.db"}


def test_a_missing_file_can_be_refused(path: Path) -> None:
    with pytest.raises(DatabaseMissing, match=r"app\.db"):
        open_sqlite(path, SETTINGS, must_exist=True)
    assert beside(path) == set()


def test_a_missing_file_that_appears_is_seen(path: Path) -> None:
    with open_sqlite(path, SETTINGS, read_only=True) as reader:
        assert reader.recorded() == NOTHING
        with ready(path) as writer:
            writer.transact(RUN, [change("a", "CREATE TABLE t (n)")])
        assert [row.name for row in reader.recorded().applied] == ["a"]


def test_an_empty_file_is_an_empty_database(path: Path) -> None:
    path.touch()
    with open_sqlite(path, SETTINGS, read_only=True) as engine:
        assert engine.recorded() == NOTHING


def test_what_was_opened_for_reading_refuses_to_write(path: Path) -> None:
    for exists in (False, True):
        with open_sqlite(path, SETTINGS, read_only=True) as engine:
            migration = change("a", "CREATE TABLE t (n)")
            writes: list[Callable[[], object]] = [
                partial(engine.ensure_history, RUN),
                partial(engine.stamp, RUN, None),
                partial(engine.transact, RUN, [migration]),
                partial(engine.run_outside_transaction, RUN, migration),
            ]
            for write in writes:
                with pytest.raises(MigrationManagerError, match="reading only"):
                    write()
            engine.log_failure(RUN, change("a"), "it broke", None, 1)
        assert path.exists() is exists
        with directly(path) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS other (n)")
    assert tables(path) == {"other"}


@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_that_is_no_database_is_a_mistake_in_the_configuration(path: Path, *, read_only: bool) -> None:
    path.write_text("name,age\n" * 500)
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="not a SQLite database") as caught:
        open_sqlite(path, SETTINGS, read_only=read_only)
    assert caught.value.exit_code is Exit.USAGE
    assert path.read_bytes() == before


@pytest.mark.parametrize("read_only", [True, False])
def test_a_directory_is_a_mistake_in_the_configuration(path: Path, *, read_only: bool) -> None:
    with pytest.raises(ConfigError, match="directory"):
        open_sqlite(path.parent, SETTINGS, read_only=read_only)


def test_a_missing_directory_is_named_when_something_is_to_be_written(path: Path) -> None:
    lost = path.parent / "nowhere" / "app.db"
    with open_sqlite(lost, SETTINGS) as engine:
        assert engine.recorded() == NOTHING
        with pytest.raises(DatabaseUnreachable, match="nowhere"):
            engine.ensure_history(RUN)
        with pytest.raises(DatabaseUnreachable, match="nowhere"), engine.exclusive(0, never):
            pytest.fail("a lock without a place")


def test_a_name_with_everything_a_uri_could_mistake_is_a_plain_name(path: Path) -> None:
    odd = path.parent / "100% of #1? a b&c=ü.db"
    with ready(odd):
        pass
    assert beside(odd) == {odd.name}


def test_settings_that_mean_nothing_here_are_refused(path: Path) -> None:
    for settings in (SessionSettings(role="app_owner"), SessionSettings(history_schema="main")):
        with pytest.raises(ConfigError, match="means nothing for SQLite"):
            open_sqlite(path, settings)


def in_wal_mode(path: Path) -> None:
    with ready(path) as engine:
        engine.run_outside_transaction(RUN, change("a", "PRAGMA journal_mode = WAL"))


def test_reading_a_database_in_wal_mode_leaves_nothing_beside_it(path: Path) -> None:
    in_wal_mode(path)
    before = path.read_bytes()
    assert beside(path) == {"app.db"}
    with open_sqlite(path, SETTINGS, read_only=True) as engine:
        assert [row.name for row in engine.recorded().applied] == ["a"]
    assert beside(path) == {"app.db"}
    assert path.read_bytes() == before


def test_reading_a_database_in_wal_mode_leaves_the_files_of_who_uses_it(path: Path) -> None:
    in_wal_mode(path)
    with directly(path) as application:
        application.execute("CREATE TABLE t (n)")
        log = path.with_name("app.db-wal").read_bytes()
        with open_sqlite(path, SETTINGS, read_only=True) as engine:
            assert [row.name for row in engine.recorded().applied] == ["a"]
        assert path.with_name("app.db-wal").read_bytes() == log
        application.execute("INSERT INTO t VALUES (1)")
    assert beside(path) == {"app.db"}


KILLED_WRITER = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 5")
connection.execute("BEGIN IMMEDIATE")
connection.execute("CREATE TABLE IF NOT EXISTS half (s)")
for _ in range(2000):
    connection.execute("INSERT INTO half VALUES (?)", ("x" * 500,))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("wal", [False, True])
@pytest.mark.parametrize("read_only", [False, True])
def test_the_journal_of_a_killed_writer_is_rolled_back(path: Path, *, wal: bool, read_only: bool) -> None:
    with ready(path) as engine:
        engine.run_outside_transaction(RUN, change("a", f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}"))
    subprocess.run([sys.executable, "-c", KILLED_WRITER, path], check=False)
    assert len(beside(path)) > 1
    with open_sqlite(path, SETTINGS, read_only=read_only) as engine:
        assert [row.name for row in engine.recorded().applied] == ["a"]
    assert "half" not in tables(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_what_may_not_be_written_is_said_to_be_read_only(path: Path) -> None:
    in_wal_mode(path)
    path.chmod(stat.S_IRUSR)
    path.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with open_sqlite(path, SETTINGS, read_only=True) as engine:
            assert engine.identify().read_only
            assert [row.name for row in engine.recorded().applied] == ["a"]
        with open_sqlite(path, SETTINGS) as engine, pytest.raises(MigrationManagerError, match="writ"):
            engine.stamp(RUN, None)
    finally:
        path.parent.chmod(stat.S_IRWXU)


def as_nobody(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a piece of Python as the user nobody, from a place that user can read."""
    prelude = "import os, sys\nsys.path.insert(0, sys.argv.pop())\nimport migration_manager.engines.sqlite\n"
    drop = "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
    return subprocess.run(
        [sys.executable, "-c", prelude + drop + code, *map(str, arguments), str(REPOSITORY)],
        capture_output=True,
        text=True,
        check=False,
    )


READ_AS_ANOTHER = """
from pathlib import Path
from migration_manager.engines.base import SessionSettings
from migration_manager.engines.sqlite import open_sqlite
from migration_manager.model import Run
with open_sqlite(Path(sys.argv[1]), SessionSettings(), read_only=True) as engine:
    print(engine.identify().read_only, [row.name for row in engine.recorded().applied])
try:
    with open_sqlite(Path(sys.argv[1]), SessionSettings()) as engine:
        engine.stamp(Run("r", "dev"), None)
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("wal", [False, True])
def test_a_user_who_may_only_read_can_read(*, wal: bool) -> None:
    # Not below pytest's own folder, which is closed to others.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "app.db")
        Path(folder).chmod(0o755)
        with ready(path) as engine:
            mode = "WAL" if wal else "DELETE"
            engine.run_outside_transaction(RUN, change("a", f"PRAGMA journal_mode = {mode}"))
        path.chmod(0o644)
        told = as_nobody(READ_AS_ANOTHER, path)
        assert told.stdout.splitlines()[0:1] == ["True ['a']"], told.stderr
        assert "MigrationManagerError" in told.stdout.splitlines()[1]
        assert beside(path) == {"app.db"}


# --------------------------------------------------------------------------------------- transactions


def test_triggers_with_their_own_semicolons_run(path: Path) -> None:
    trigger = (
        "CREATE TRIGGER count_up AFTER INSERT ON t BEGIN UPDATE n SET n = CASE WHEN n > 0 THEN n + 1 ELSE 1 END; "
        "INSERT INTO seen VALUES (new.n); END"
    )
    with ready(path) as engine:
        engine.transact(
            RUN,
            [
                change(
                    "a",
                    "CREATE TABLE t (n)",
                    "CREATE TABLE n (n)",
                    "CREATE TABLE seen (n)",
                    trigger,
                    "INSERT INTO t VALUES (1)",
                )
            ],
        )
    with directly(path) as connection:
        assert connection.execute("SELECT n FROM seen").fetchall() == [(1,)]


def test_a_script_as_the_lexer_makes_it_runs(path: Path) -> None:
    text = (
        "-- migrate: lock-timeout 1s\nCREATE TABLE t (n); -- ; \n"
        "CREATE TRIGGER tr AFTER INSERT ON t BEGIN DELETE FROM t WHERE n = CASE WHEN 1 THEN 2 END; END;\n"
        "INSERT INTO t VALUES (';'), (2);"
    )
    script = parsed(text, Dialect.SQLITE)
    with ready(path) as engine:
        engine.transact(RUN, [replace(change("a"), script=script)])
    with directly(path) as connection:
        assert connection.execute("SELECT n FROM t").fetchall() == [(";",)]


def test_every_row_of_a_select_is_taken_whatever_it_holds(path: Path) -> None:
    with ready(path) as engine:
        engine.transact(
            RUN,
            [
                change(
                    "a",
                    "CREATE TABLE t (n)",
                    "INSERT INTO t VALUES (1), (2), (3)",
                    "SELECT n FROM t",
                    "SELECT CAST(x'ff' AS text)",
                    "DROP TABLE t",
                )
            ],
        )
    assert "t" not in tables(path)


@pytest.mark.parametrize(
    "ending",
    ["INSERT OR ROLLBACK INTO t VALUES (1)", "INSERT INTO guarded VALUES (1)"],
    ids=["conflict clause", "trigger"],
)
def test_a_statement_that_rolls_everything_back_fails_the_script(path: Path, ending: str) -> None:
    trigger = "CREATE TRIGGER g BEFORE INSERT ON guarded BEGIN SELECT RAISE(ROLLBACK, 'not here'); END"
    with ready(path) as engine:
        engine.transact(RUN, [change("a", "CREATE TABLE t (n PRIMARY KEY)", "CREATE TABLE guarded (n)", trigger)])
        with pytest.raises(SqlFailed):
            engine.transact(RUN, [change("b", "INSERT INTO t VALUES (1)", ending, "CREATE TABLE after (n)")])
        assert [row.name for row in engine.recorded().applied] == ["a"]
    with directly(path) as connection:
        assert connection.execute("SELECT * FROM t").fetchall() == []
    assert "after" not in tables(path)


def test_savepoints_of_a_script_are_its_own_business(path: Path) -> None:
    with ready(path) as engine:
        engine.transact(
            RUN,
            [
                change(
                    "a",
                    "SAVEPOINT one",
                    "CREATE TABLE t (n)",
                    "SAVEPOINT two",
                    "CREATE TABLE u (n)",
                    "ROLLBACK TO two",
                    "RELEASE one",
                    "SAVEPOINT left_open",
                )
            ],
        )
        assert [row.name for row in engine.recorded().applied] == ["a"]
    assert {"t", "u"} & tables(path) == {"t"}


@pytest.mark.parametrize("statement", ["VACUUM", "PRAGMA journal_mode = WAL", "PRAGMA main.journal_mode = WAL"])
def test_what_does_nothing_in_a_transaction_is_refused_with_the_directive_to_use(path: Path, statement: str) -> None:
    with ready(path) as engine:
        with pytest.raises(SqlFailed) as caught:
            engine.transact(RUN, [change("a", statement)])
        assert caught.value.hint
        assert "-- migrate: no-transaction" in caught.value.hint
        engine.run_outside_transaction(RUN, change("a", statement))
        assert engine.recorded().applied[0].state is State.APPLIED


def test_asking_for_the_journal_mode_is_no_harm(path: Path) -> None:
    with ready(path) as engine:
        engine.transact(RUN, [change("a", "PRAGMA journal_mode", "PRAGMA user_version = 7")])
    with directly(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchall() == [(7,)]


@pytest.mark.parametrize(
    "setting",
    [
        "PRAGMA query_only = ON",
        "PRAGMA ignore_check_constraints = ON",
        "PRAGMA recursive_triggers = ON",
        "PRAGMA legacy_alter_table = ON",
        "PRAGMA writable_schema = ON",
        "PRAGMA foreign_keys = ON",
        "PRAGMA locking_mode = EXCLUSIVE",
        "PRAGMA busy_timeout = 1",
    ],
)
def test_no_pragma_reaches_the_books_or_the_next_session(path: Path, setting: str) -> None:
    name = setting.split()[1]
    with ready(path) as engine:
        before = engine._writing().execute(f"PRAGMA {name}").fetchall()
        engine.transact(RUN, [change("a", setting), change("b", "CREATE TABLE t (n)")])
        engine.transact(RUN, [change("c", "CREATE TABLE u (n)")])
        assert engine._writing().execute(f"PRAGMA {name}").fetchall() == before
        engine.run_outside_transaction(RUN, change("d", setting))
        assert engine._writing().execute(f"PRAGMA {name}").fetchall() == before
        with directly(path) as connection:
            connection.execute("CREATE TABLE nobody_holds_the_file (n)")
        assert len(engine.recorded().applied) == 4


def test_an_attached_file_does_not_reach_the_next_change(path: Path) -> None:
    other = path.with_name("other.db")
    with ready(path) as engine:
        engine.transact(RUN, [change("a", f"ATTACH '{other}' AS other", "CREATE TABLE other.t (n)")])
        with pytest.raises(SqlFailed):
            engine.transact(RUN, [change("b", "INSERT INTO other.t VALUES (1)")])
    assert tables(other) == {"t"}


def test_a_lock_timeout_of_a_file_or_an_environment_is_how_long_others_are_waited_for(path: Path) -> None:
    with ready(path, IMPATIENT) as engine, directly(path) as application:
        application.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(TryLater) as caught:
            engine.transact(RUN, [change("a", "CREATE TABLE t (n)")])
        assert 0.05 < time.monotonic() - began < 4.5, "the default is 5 s"
        assert caught.value.exit_code is Exit.TRY_LATER
        assert "app.db" in str(caught.value)
    with (
        ready(path, IMPATIENT) as engine,
        closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as application,
    ):
        application.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.7, lambda: application.execute("COMMIT"))
        timer.start()
        patient = Directives(lock_timeout=20_000)
        engine.transact(RUN, [change("a", "CREATE TABLE t (n)", directives=patient)])
        timer.join()
        assert [row.name for row in engine.recorded().applied] == ["a"]


def test_a_commit_waits_for_readers_and_gives_up_with_nothing_kept(path: Path) -> None:
    with ready(path, IMPATIENT) as engine, directly(path) as application:
        application.execute("BEGIN")
        application.execute("SELECT * FROM schema_migrations_log").fetchall()
        with pytest.raises(TryLater):
            engine.transact(RUN, [change("a", "CREATE TABLE t (n)")])
        application.execute("COMMIT")
        assert engine.recorded().applied == ()
        engine.transact(RUN, [change("a", "CREATE TABLE t (n)")])


def test_reading_a_file_that_is_held_exclusively_is_tried_later(path: Path) -> None:
    with ready(path, IMPATIENT) as engine, directly(path) as application:
        application.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TryLater):
            engine.recorded()
        engine.log_failure(RUN, change("a"), "it broke", None, 1)
        application.execute("COMMIT")
        assert engine.recorded().exists


# --------------------------------------------------------------------------------------- foreign keys

FAMILY = (
    "CREATE TABLE parent (id integer PRIMARY KEY, name text)",
    "CREATE TABLE child (id integer PRIMARY KEY, p integer REFERENCES parent (id) ON DELETE CASCADE)",
    "INSERT INTO parent VALUES (1, 'one'), (2, 'two')",
    "INSERT INTO child VALUES (10, 1), (20, 2)",
)
REBUILD = (
    "PRAGMA foreign_keys = OFF",
    "CREATE TABLE new_parent (id integer PRIMARY KEY, name text NOT NULL)",
    "INSERT INTO new_parent SELECT * FROM parent",
    "DROP TABLE parent",
    "ALTER TABLE new_parent RENAME TO parent",
    "PRAGMA foreign_keys = ON",
)


@pytest.mark.parametrize(
    "recipe", [REBUILD, REBUILD[1:5], REBUILD[5:] + REBUILD[1:5]], ids=["recipe", "bare", "on first"]
)
def test_rebuilding_a_parent_keeps_its_children(path: Path, recipe: tuple[str, ...]) -> None:
    with ready(path) as engine:
        engine.transact(RUN, [change("a", *FAMILY)])
        engine.transact(RUN, [change("b", *recipe)])
    with directly(path) as connection:
        assert connection.execute("SELECT id, p FROM child").fetchall() == [(10, 1), (20, 2)]


def test_a_script_that_orphans_rows_fails_and_names_them(path: Path) -> None:
    with ready(path) as engine:
        engine.transact(RUN, [change("a", *FAMILY)])
        with pytest.raises(SqlFailed) as caught:
            engine.transact(RUN, [change("b", "DELETE FROM parent WHERE id = 1")])
        assert str(caught.value) == "the script leaves foreign keys violated: 1 row of child with no row in parent"
        assert caught.value.code == "SQLITE_CONSTRAINT_FOREIGNKEY"
        assert caught.value.offset is None
        engine.transact(RUN, [change("b", "DELETE FROM parent WHERE id = 1", "DELETE FROM child WHERE p = 1")])


def test_violations_that_were_there_before_do_not_fail_a_script(path: Path) -> None:
    with ready(path) as engine:
        engine.transact(RUN, [change("a", *FAMILY)])
        with directly(path) as application:  # between two of our transactions, as applications do
            application.execute("INSERT INTO child VALUES (30, 3), (40, 4)")
        rebuild_child = (
            "CREATE TABLE new_child (id integer PRIMARY KEY, p integer REFERENCES parent (id), note text)",
            "INSERT INTO new_child SELECT id + 1000, p, '' FROM child",
            "DROP TABLE child",
            "ALTER TABLE new_child RENAME TO child",
        )
        engine.transact(RUN, [change("b", *rebuild_child)])
        with pytest.raises(SqlFailed, match="1 row of child"):
            engine.transact(RUN, [change("c", "INSERT INTO child VALUES (50, 5, '')")])
        engine.transact(RUN, [change("d", "DELETE FROM child WHERE p = 3")])
        with pytest.raises(SqlFailed, match="1 row of child"):
            engine.transact(RUN, [change("e", "INSERT INTO child VALUES (50, 5, '')")])


def test_violations_of_a_script_that_was_rolled_back_do_not_count_as_there_before(path: Path) -> None:
    orphan = "INSERT INTO child VALUES (30, 3)"
    with ready(path) as engine:
        engine.transact(RUN, [change("a", *FAMILY)])
        for _ in range(2):
            with pytest.raises(SqlFailed, match="1 row of child"):
                engine.transact(RUN, [change("b", orphan)])
        with pytest.raises(SqlFailed, match="nowhere"):
            engine.transact(RUN, [change("b", orphan, "SELECT * FROM nowhere")])
        with pytest.raises(SqlFailed, match="1 row of child"):
            engine.transact(RUN, [change("b", orphan)])


def test_a_key_that_is_not_unique_fails_the_script_that_made_it_and_no_other(path: Path) -> None:
    mismatch = "CREATE TABLE odd (p text REFERENCES parent (name))"
    with ready(path) as engine:
        engine.transact(RUN, [change("a", *FAMILY)])
        with pytest.raises(SqlFailed, match="foreign key mismatch"):
            engine.transact(RUN, [change("b", mismatch)])
        with directly(path) as application:
            application.execute(mismatch)
        engine.transact(RUN, [change("c", "CREATE TABLE u (n)")])
        with pytest.raises(SqlFailed, match="1 row of child"):
            engine.transact(RUN, [change("d", "INSERT INTO child VALUES (30, 3)")])


def test_asking_for_enforcement_is_answered_with_a_notice(path: Path) -> None:
    heard: list[Notice] = []
    with open_sqlite(path, SETTINGS, heard.append) as engine:
        engine.ensure_history(RUN)
        engine.transact(RUN, [change("a", "PRAGMA foreign_keys = ON", *FAMILY)])
        assert [notice.severity for notice in heard] == ["WARNING"]
        assert "foreign_keys" in heard[0].text
        engine.transact(RUN, [change("b", *REBUILD)])
        engine.transact(RUN, [change("c", "PRAGMA foreign_keys")])
        assert len(heard) == 1, "the usual recipe turns them off and on, and asking is no harm"


def test_outside_a_transaction_violations_are_told(path: Path) -> None:
    heard: list[Notice] = []
    with open_sqlite(path, SETTINGS, heard.append) as engine:
        engine.ensure_history(RUN)
        engine.run_outside_transaction(RUN, change("a", *FAMILY, "INSERT INTO child VALUES (30, 3)"))
    assert [notice.text for notice in heard] == [
        "the script leaves foreign keys violated: 1 row of child with no row in parent"
    ]


# --------------------------------------------------------------------------- outside a transaction


def test_a_no_transaction_script_may_have_transactions_of_its_own(path: Path) -> None:
    with ready(path) as engine:
        engine.run_outside_transaction(
            RUN, change("a", "PRAGMA foreign_keys = OFF", "BEGIN", "CREATE TABLE t (n)", "COMMIT", "VACUUM")
        )
        assert engine.recorded().applied[0].state is State.APPLIED
        with pytest.raises(SqlFailed) as caught:
            engine.run_outside_transaction(
                RUN, change("b", "CREATE TABLE u (n)", "BEGIN", "CREATE TABLE v (n)", "SELECT * FROM nowhere")
            )
        assert caught.value.kept == 1, "what its transaction had done is rolled back"
    assert {"t", "u", "v"} & tables(path) == {"t", "u"}


# ------------------------------------------------------------------------------------- interrupting


def test_a_time_limit_of_the_environment_ends_a_statement(path: Path) -> None:
    with ready(path, SessionSettings(statement_timeout=100)) as engine:
        with pytest.raises(SqlFailed, match="longer than 100 ms") as caught:
            engine.transact(RUN, [change("a", "CREATE TABLE t (n)", SLOW)])
        assert caught.value.code == "SQLITE_INTERRUPT"
        assert caught.value.offset == len("CREATE TABLE t (n);\n")
        engine.transact(RUN, [change("a", "CREATE TABLE t (n)")])


@dropped_connections
def test_ctrl_c_at_any_moment_leaves_record_and_tables_agreeing(path: Path) -> None:
    seed = random.randrange(1 << 32)  # noqa: S311 - not for secrets
    moments = random.Random(seed)  # noqa: S311
    statements = [f"INSERT INTO t{{0}} VALUES ({n})" for n in range(60)]
    with ready(path) as engine:
        for number in range(80):
            migration = change(f"m{number:03}", f"CREATE TABLE t{number} (n)", *(s.format(number) for s in statements))
            with suppress(KeyboardInterrupt), ctrl_c_after(moments.uniform(0.0001, 0.004)):
                engine.transact(RUN, [migration])
        recorded = {int(row.name[1:]) for row in engine.recorded().applied}
        made = {int(name[1:]) for name in tables(path) if name.startswith("t")}
        assert recorded == made, f"seed {seed}"
        done = {int((row.name or "m0")[1:]) for row in engine.log() if row.action is Action.MIGRATE}
        assert done == recorded, f"seed {seed}"
        engine.transact(RUN, [change("last", "CREATE TABLE u (n)")])


@contextmanager
def ctrl_c_at(instruction: int) -> Iterator[list[int]]:
    """Raise KeyboardInterrupt before one instruction of ours or of `contextlib`'s; a signal may come at any.

    What is handed out is empty when the block had fewer instructions than that.
    """
    seen, came = 0, list[int]()

    def trace(frame: FrameType, event: str, _argument: object) -> TraceFunction | None:
        nonlocal seen
        if event == "call" and not frame.f_code.co_filename.startswith(INTERRUPTED):
            return None
        frame.f_trace_opcodes = True
        seen += event == "opcode"
        if event == "opcode" and seen == instruction:
            came.append(frame.f_lineno)
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    # From Python 3.12 on, instructions are told only where a frame had asked for them before this call.
    sys._getframe().f_trace_opcodes = True
    sys.settrace(trace)
    try:
        yield came
    finally:
        sys.settrace(before)


@dropped_connections
@pytest.mark.parametrize("outside", [False, True], ids=["in-a-transaction", "no-transaction"])
def test_ctrl_c_before_each_instruction_leaves_record_and_tables_agreeing(path: Path, outside: bool) -> None:
    # A prime, so that every kind of place is met; from another one each time, so that in the end every place is.
    stride = 29 if outside else 17
    instruction = random.randrange(stride) + 1  # noqa: S311 - the place is named where it fails
    with ready(path) as engine:
        while True:
            script = change(
                f"m{instruction}", f"CREATE TABLE t{instruction} (n)", f"INSERT INTO t{instruction} VALUES (1)"
            )
            with suppress(KeyboardInterrupt), ctrl_c_at(instruction) as came:
                if outside:
                    engine.run_outside_transaction(RUN, script)
                else:
                    engine.transact(RUN, [script])
            states = {row.name: row.state for row in engine.recorded().applied}
            made = f"t{instruction}" in tables(path)
            if outside:
                assert made <= (script.name in states), f"unrecorded, interrupted in line {came}"
                assert states.get(script.name) is not State.APPLIED or made
                done = len(engine.done_statements(script.name))
                if states.get(script.name) is State.UNFINISHED:
                    assert done == made + (made and bool(rows(path, f"SELECT n FROM t{instruction}")))
            else:
                assert (states.get(script.name) is State.APPLIED) == made, f"interrupted in line {came}"
            if not came:
                break
            instruction += stride
        assert instruction > 1000, "it was interrupted many times"
        assert {row.name for row in engine.log()} >= states.keys()
        engine.transact(RUN, [change("last", "CREATE TABLE u (n)")])


# ----------------------------------------------------------------------------------------- history


def test_times_are_kept_as_utc_text_that_sorts(path: Path) -> None:
    with ready(path) as engine:
        engine.transact(RUN, [change("a", "CREATE TABLE t (n)")])
    with directly(path) as connection:
        ((text,),) = connection.execute("SELECT applied_at FROM schema_migrations")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", text)


def test_a_row_written_by_hand_is_read(path: Path) -> None:
    with ready(path), directly(path) as connection:
        connection.execute(
            "INSERT INTO schema_migrations VALUES ('a', 'v1:0', NULL, 'applied', '2025-01-02 03:04:05', 'I', 0, 'x', 0)"
        )
    with open_sqlite(path, SETTINGS) as engine:
        assert engine.recorded().applied[0].applied_at == datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("spoiled", ["applied_at = 'yesterday'", "applied_at = 5"])
def test_a_row_that_cannot_be_read_is_named(path: Path, spoiled: str) -> None:
    with ready(path) as engine, directly(path) as connection:
        engine.transact(RUN, [change("a", "CREATE TABLE t (n)")])
        connection.execute(f"UPDATE schema_migrations SET {spoiled}")
        with pytest.raises(HistoryError, match="history row of a") as caught:
            engine.recorded()
        assert caught.value.names == ("a",)
        connection.execute("UPDATE schema_migrations_log SET action = 'levitate'")
        with pytest.raises(HistoryError, match="row 2 of the log"):
            engine.log()


def test_a_history_whose_other_tables_are_gone_is_completed(path: Path) -> None:
    with ready(path) as engine:
        engine.transact(RUN, [change("a", "CREATE TABLE t (n)")])
    with directly(path) as connection:
        connection.execute("DROP TABLE schema_migrations_text")
        connection.execute("DROP TABLE schema_migrations_log")
    with open_sqlite(path, SETTINGS) as engine:
        assert [row.name for row in engine.recorded().applied] == ["a"]
        assert engine.recorded().environment is None
        assert engine.log() == ()
        engine.ensure_history(RUN)
        assert engine.recorded().environment == "dev"


def test_the_books_leave_no_mark_but_their_four_tables(path: Path) -> None:
    with ready(path) as engine:
        engine.transact(RUN, [change("a", "SELECT 1")])
    assert tables(path) == {"schema_migrations"} | {
        f"schema_migrations_{which}" for which in ("log", "text", "progress")
    }


def test_an_unfinished_migration_is_not_baselined_twice(path: Path) -> None:
    with ready(path) as engine:
        with pytest.raises(SqlFailed):
            engine.run_outside_transaction(RUN, change("a", "SELECT * FROM nowhere"))
        engine.transact(RUN, [change("a", action=Action.BASELINE)])
        with pytest.raises(AlreadyRecorded):
            engine.transact(RUN, [change("a", action=Action.BASELINE)])
        assert [row.outcome for row in engine.log(name="a")] == [Outcome.DONE, Outcome.STARTED]


# ------------------------------------------------------------------------------------------- places


@pytest.mark.parametrize(
    ("statement", "pointed"),
    [
        ("SELCT 1", "SELCT"),
        ("SELECT a FROM t WHERE a = 1 AND AND b = 2", "AND b"),
        ("CREATE TABLE t2 (a integer, b integer,)", ")"),
        ("SELECT ((1 + 2)", ";"),
        ("INSERT INTO t (a, b) VALUES (1, 2), (3 4)", "4)"),
        ("SELECT 'abc", "'abc"),
        ("SELECT nope FROM t", "nope"),
        ("SELECT t.nope FROM t", "t.nope"),
        ('SELECT "t"."nope" FROM t', 'nope"'),
        ("INSERT INTO t (a, nope) VALUES (1, 2)", "nope"),
        ("INSERT INTO nope VALUES (1)", "nope"),
        ("SELECT nofunction(a) FROM t", "nofunction"),
        ("CREATE TABLE u (a, b, A)", "A)"),
        ("DROP INDEX no_index", "no_index"),
        ("CREATE TABLE t (a)", "t (a)"),
        ("SELECT a FROM t AS x, t AS y", "a FROM"),
        ("CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; SELECT FROM FROM t; END", "FROM FROM"),
        ("INSERT INTO t VALUES (1, 2, 3)", "t VALUES"),
        ("INSERT INTO one VALUES (1), (1)", "INSERT"),
    ],
)
def test_an_error_points_at_what_it_names(path: Path, statement: str, pointed: str) -> None:
    with ready(path) as engine:
        engine.transact(RUN, [change("a", "CREATE TABLE t (a, b)", "CREATE TABLE one (n UNIQUE)")])
        migration = change("b", "SELECT 'ü🚲 a b t nope'", statement)
        assert migration.script is not None
        text = migration.script.source.text
        with pytest.raises(SqlFailed) as caught:
            engine.transact(RUN, [migration])
        assert caught.value.offset is not None
        found = text[caught.value.offset :]
        assert found.startswith(pointed), f"{caught.value}: points at {found!r}"


def test_a_statement_that_stops_short_points_at_its_end() -> None:
    assert point_at("CREATE TABLE t (a", "incomplete input", lambda _: None) == len("CREATE TABLE t (a") - 1


def test_a_message_that_names_nothing_points_at_the_start() -> None:
    for message in (
        "database or disk is full",
        'near "x": syntax error',
        "no such table: x",
        'unrecognized token: "#"',
    ):
        assert point_at("SELECT 1", message, lambda _: None) == 0


# --------------------------------------------------------------------------------------------- lock


def holder() -> LockHolder:
    return LockHolder(os.getpid(), "me", "a test", "here", datetime.now(UTC))


def test_the_lock_file_is_gone_when_nobody_holds_the_lock(path: Path) -> None:
    with ready(path) as engine:
        with engine.exclusive(0, never):
            assert beside(path) == {"app.db", "app.db.migration-lock"}
            line = path.with_name("app.db.migration-lock").read_text().splitlines()
            assert len(line) == 1
            assert json.loads(line[0])["pid"] == os.getpid()
        assert beside(path) == {"app.db"}


def test_a_lock_file_that_a_killed_holder_left_is_taken_over(path: Path) -> None:
    lock = sqlite_lock.lock_path(path)
    lock.write_text('{"pid": 1, "user": "ghost"}\n' + "x" * 500)
    with open_sqlite(path, SETTINGS) as engine, engine.exclusive(0, never):
        told = sqlite_lock.read_holder(lock)
        assert told is not None
        assert told.pid == os.getpid()
    assert beside(path) == set()


@pytest.mark.parametrize("text", ["", "no json", "[]", "{}", '{"pid": "x"}', '{"pid": 1, "since": 5}', "\0\0"])
def test_a_lock_file_that_says_nothing_useful_names_nobody(path: Path, text: str) -> None:
    lock = sqlite_lock.lock_path(path)
    lock.write_text(text)
    assert sqlite_lock.read_holder(lock) is None


def test_all_names_of_a_file_share_one_lock(path: Path, tmp_path: Path) -> None:
    with ready(path):
        pass
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with (
        open_sqlite(path, SETTINGS) as one,
        open_sqlite(link, SETTINGS) as other,
        one.exclusive(0, never),
        pytest.raises(LockNotAcquired),
        other.exclusive(0, never),
    ):
        pytest.fail("two hold the lock")


def test_a_lock_file_deleted_by_hand_costs_the_next_holder_nothing(path: Path) -> None:
    lock = sqlite_lock.lock_path(path)
    with sqlite_lock.held(lock, 0, never, holder()):
        lock.unlink()
        with sqlite_lock.held(lock, 0, never, holder()):
            pass
        with sqlite_lock.held(lock, 0, never, holder()):
            lock_of_another = lock.stat().st_ino
    assert not lock.exists()
    assert lock_of_another


def test_the_first_holder_does_not_delete_the_file_of_the_second(path: Path) -> None:
    lock = sqlite_lock.lock_path(path)
    first = sqlite_lock.held(lock, 0, never, holder())
    first.__enter__()
    lock.unlink()
    with sqlite_lock.held(lock, 0, never, holder()):
        first.__exit__(None, None, None)
        assert lock.exists()
        with pytest.raises(LockNotAcquired), sqlite_lock.held(lock, 0, never, holder()):
            pytest.fail("two hold the lock")


def test_threads_that_take_and_delete_the_lock_file_are_never_two_at_once(path: Path) -> None:
    lock, inside, worst = sqlite_lock.lock_path(path), list[int](), list[int]()

    def work(number: int) -> None:
        for _ in range(150):
            with sqlite_lock.held(lock, 60, never, holder()):
                inside.append(number)
                worst.append(len(inside))
                inside.remove(number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite_lock, "PAUSE", 0.0002)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(worst) == 6 * 150
    assert max(worst) == 1


def test_the_lock_survives_what_closes_the_database_file(path: Path) -> None:
    with open_sqlite(path, SETTINGS) as engine, engine.exclusive(0, never):
        engine.ensure_history(RUN)
        engine.run_outside_transaction(RUN, change("a", "VACUUM"))  # its session is closed when it ends
        with open_sqlite(path, SETTINGS) as other:
            other.recorded()
        with open_sqlite(path, SETTINGS) as other, pytest.raises(LockNotAcquired), other.exclusive(0, never):
            pytest.fail("two hold the lock")


# ------------------------------------------------------------------------------------------- killing

KILLED_RUNNER = """
import sys
from pathlib import Path
from migration_manager.engines.base import SessionSettings
from migration_manager.engines.sqlite import open_sqlite
from migration_manager.model import Run
from tests.fixtures.files import change
with open_sqlite(Path(sys.argv[1]), SessionSettings()) as engine:
    print("ready", flush=True)
    for number in range(int(sys.argv[2]), 100000):
        rows = [f"INSERT INTO a{number} VALUES ({row})" for row in range(30)]
        engine.transact(
            Run("r", "dev"),
            [change(f"m{number}", f"CREATE TABLE a{number} (n)", *rows, f"CREATE TABLE b{number} (n)")],
        )
"""


def test_a_runner_killed_at_any_moment_leaves_record_and_tables_agreeing(path: Path) -> None:
    seed = random.randrange(1 << 32)  # noqa: S311 - not for secrets
    moments = random.Random(seed)  # noqa: S311
    with ready(path):
        pass
    start = 0
    for _ in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", KILLED_RUNNER, path, str(start)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        ) as runner:
            assert runner.stdout is not None
            assert runner.stdout.readline() == b"ready\n"
            time.sleep(moments.uniform(0.001, 0.15))
            runner.kill()
        with open_sqlite(path, SETTINGS, read_only=True) as engine:
            recorded = {int(row.name[1:]) for row in engine.recorded().applied}
        names = tables(path)
        for letter in "ab":
            assert {int(n[1:]) for n in names if n[0] == letter} == recorded, f"seed {seed}"
        start = max(recorded, default=-1) + 1
    assert start > 0


# ------------------------------------------------------------------------------------ administration


def test_creating_makes_an_empty_database_and_its_folder_once(path: Path) -> None:
    place = SqliteAdministration(path.parent / "deep" / "er" / "app.db")
    assert not place.exists()
    assert place.create()
    assert place.exists()
    assert not place.create()
    assert not place.exists() or place.database == "app.db"
    with open_sqlite(path.parent / "deep" / "er" / "app.db", SETTINGS, must_exist=True) as engine:
        assert engine.recorded() == NOTHING


def test_dropping_deletes_the_file_and_all_beside_it(path: Path) -> None:
    in_wal_mode(path)
    place = SqliteAdministration(path)
    with directly(path) as application:
        application.execute("CREATE TABLE t (n)")
        assert len(beside(path)) == 3
        assert place.drop()
    assert beside(path) == set()
    assert not place.exists()
    assert not place.drop()


def test_dropping_follows_a_link_and_takes_it_too(path: Path, tmp_path: Path) -> None:
    with ready(path):
        pass
    link = tmp_path / "link.db"
    link.symlink_to(path)
    assert SqliteAdministration(link).drop()
    assert not link.is_symlink()
    assert beside(path) == set()


def test_dropping_is_refused_while_a_run_holds_the_lock(path: Path) -> None:
    with ready(path) as engine, engine.exclusive(0, never):
        with pytest.raises(LockNotAcquired):
            SqliteAdministration(path).drop()
        assert engine.recorded().exists


def test_dropping_another_tools_database_needs_no_history_of_ours(path: Path) -> None:
    with directly(path) as connection:
        connection.execute("CREATE TABLE schema_migrations (version varchar(128) primary key)")
    assert SqliteAdministration(path).drop()


def test_dropping_is_refused_for_what_is_no_database(path: Path) -> None:
    path.write_text("my diary\n" * 100)
    with pytest.raises(ConfigError):
        SqliteAdministration(path).drop()
    assert path.read_text().startswith("my diary")
