"""A process that runs short of what a process needs: files, memory, children, disk (C15)."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.cli import FIVE, SECONDS, TASKS, USERS, Outcome, Project, command, on_sqlite

# Loads what a run needs, and goes on with so few files open at once.
FEW_FILES = """
import resource, sys
from migration_manager import prepare, runner
from migration_manager.cli import main
from migration_manager.config import examine_process
from migration_manager.engines import open_engine, postgres, sqlite
from migration_manager.render import text, words
resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, {limit}))
main()
"""


def run_python(project: Project, script: str, *typed: str) -> Outcome:
    done = subprocess.run(
        [sys.executable, "-c", script, *typed], cwd=project.root, env=project.environment(), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    return Outcome(done.returncode, done.stdout, done.stderr)


def test_too_few_open_files_is_an_error_and_nothing_half_done(project: Project) -> None:
    project.write_tables()
    refused = 0
    for limit in range(6, 40):
        before = project.applied()
        outcome = run_python(project, FEW_FILES.format(limit=limit), "migrate")
        assert project.applied() == list(FIVE[: len(project.applied())])
        if outcome.code == 0:
            break
        refused += 1
        assert "Too many open files" in outcome.text or "unable to open" in outcome.text, outcome.text
        assert "Traceback" not in outcome.text, outcome.text
        assert project.applied() == before
    assert refused
    assert project.applied() == list(FIVE)


# Fails the Nth request for memory, and one more, in the middle of what changes the database.
NO_MEMORY = """
import sys, _testcapi
from migration_manager import prepare, runner
from migration_manager.cli import main
from migration_manager.config import examine_process
from migration_manager.engines import postgres, sqlite, postgres_transaction
from migration_manager.render import text, words
place, name = {place}
do = getattr(place, name)
def failing(*given):
    _testcapi.set_nomemory({start}, {start} + 1)
    try:
        return do(*given)
    finally:
        _testcapi.remove_mem_hooks()
setattr(place, name, failing)
main()
"""


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="only CPython can be made to run out of memory")
def test_no_memory_in_the_middle_of_a_change_leaves_record_and_tables_agreeing(project: Project) -> None:
    pytest.importorskip("_testcapi", reason="this Python was built without its tests' helpers")
    place = "postgres_transaction.Transaction, 'do'" if project.on_postgres else "sqlite.SqliteEngine, 'transact'"
    project.write_tables(USERS)
    project.ok("migrate")
    failed = 0
    for start in (1, 10, 60, 200, 450, 1000):
        project.write_tables(TASKS)
        outcome = run_python(project, NO_MEMORY.format(place=f"({place})", start=start), "migrate")
        failed += outcome.code != 0
        assert (TASKS in project.applied()) == project.has_table("tasks"), outcome.text
        assert (outcome.code == 0) <= (TASKS in project.applied()), outcome.text
        project.ok("migrate", "--lock-wait", "5s")
        project.ok("rollback", "--name", TASKS)
    assert failed


@on_sqlite
@pytest.mark.postgres
def test_a_child_that_cannot_be_started_is_an_error(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more(*_given: object, **_more: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    project.write_tables()
    monkeypatch.setattr(subprocess.Popen, "_execute_child", no_more)
    outcome = project.run("migrate", "--url", "embedded:here")
    assert outcome.code == 5, outcome.text
    assert "Resource temporarily unavailable" in outcome.err
    assert "Traceback" not in outcome.text


@pytest.mark.parametrize("closed", ["2> /dev/full", "> /dev/full 2> /dev/full"])
@on_sqlite
def test_nobody_who_can_read_what_is_said_does_not_affect_the_run(project: Project, closed: str) -> None:
    project.write_tables()
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *command(), "migrate"], cwd=project.root, env=project.environment(),
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert project.applied() == list(FIVE)
    project.break_file(USERS)
    failing = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *command(), "migrate"], cwd=project.root, env=project.environment(),
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert failing.returncode == 4, "the code tells what no stream can"


TEN_MEGABYTES = """CREATE TABLE tasks (id integer, v text);
INSERT INTO tasks WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
SELECT i, printf('%01000d', i) FROM n;
"""


def test_a_full_disk_under_a_sqlite_file_keeps_nothing(sqlite_project: Project, small_disk: Path) -> None:
    project = sqlite_project
    project.variables["TARGET_URL"] = f"sqlite:///{small_disk / 'app.db'}"
    project.write_tables(USERS)
    project.ok("migrate")
    project.write(TASKS, TEN_MEGABYTES)
    failed = project.run("migrate", "--json")
    assert failed.code == 1, failed.text
    assert "disk is full" in failed.out
    assert "nothing of it was kept" in failed.json["error"]["state"]
    assert project.status() == {USERS: "applied", TASKS: "pending"}
    project.write(TASKS, "CREATE TABLE tasks (id integer);\n")
    project.ok("migrate")


def test_files_may_not_grow_and_nothing_is_half_done(sqlite_project: Project) -> None:
    project = sqlite_project
    project.write_tables(USERS)
    project.ok("migrate")
    project.write(TASKS, TEN_MEGABYTES)
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))"
    small = f"import resource; {limit}; from migration_manager.cli import main; main()"
    outcome = run_python(project, small, "migrate")
    assert outcome.code == 1, outcome.text
    assert "Traceback" not in outcome.text
    assert project.status() == {USERS: "applied", TASKS: "pending"}
    assert not project.has_table("tasks")
