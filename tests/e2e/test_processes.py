"""What only real processes show: many at once, one killed, one interrupted, a reader that goes away, odd locales."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest

from tests.fixtures.cli import (
    FILES,
    FIVE,
    SECONDS,
    TAGS,
    TASKS,
    USERS,
    Project,
    backends,
    command,
    ended,
    is_working,
    on_sqlite,
    slow,
    until,
)

pytestmark = pytest.mark.e2e

RUNNERS = 16
# ---------------------------------------------------------------------------------------- many at once


def test_sixteen_runners_at_the_same_moment_apply_each_migration_exactly_once_and_all_exit_0(project: Project) -> None:
    project.write_tables()
    # A table that counts what really ran: a migration that ran twice leaves two rows of its name.
    project.rows("CREATE TABLE ran (name text)")
    for name in FIVE:
        text = project.file(name).read_text()
        project.file(name).write_text(f"{text}INSERT INTO ran VALUES ('{name}');\n")
    with ExitStack() as stack:
        runners = [stack.enter_context(project.start("migrate")) for _ in range(RUNNERS)]
        outcomes = [ended(runner) for runner in runners]
    assert [outcome.code for outcome in outcomes] == [0] * RUNNERS, [o.err for o in outcomes if o.code]
    assert project.applied() == list(FIVE)
    assert project.rows("SELECT name FROM ran ORDER BY name") == [(name,) for name in FIVE]
    assert project.log("action", "outcome") == [("stamp", "done")] + [("migrate", "done")] * 5
    for name in FIVE:
        assert sum(f"{name}" in outcome.out for outcome in outcomes) == 1, "told by the one who did it"
    assert not any("Traceback" in outcome.text for outcome in outcomes)


@pytest.mark.postgres
def test_runners_at_once_build_a_concurrent_index_without_a_deadlock(postgres_project: Project) -> None:
    postgres_project.write_tables(USERS)
    postgres_project.write(TASKS, "-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY users_id ON users (id);\n")
    with ExitStack() as stack:
        runners = [stack.enter_context(postgres_project.start("migrate")) for _ in range(6)]
        outcomes = [ended(runner) for runner in runners]
    assert [outcome.code for outcome in outcomes] == [0] * 6, [o.err for o in outcomes if o.code]
    assert postgres_project.applied() == [USERS, TASKS]


def test_another_runner_that_holds_the_lock_is_named_and_the_exit_code_is_5(project: Project) -> None:
    project.write_tables(USERS)
    project.ok("migrate")
    project.write(TASKS, "CREATE TABLE tasks (id integer);\n" + slow(project))
    with project.start("migrate") as holder:
        until(is_working(project, USERS), "the first runner is at work")
        outcome = project.process("migrate", "--lock-wait", "500ms")
        assert outcome.code == 5, outcome.text
        assert "the migration lock was not obtained" in outcome.err
        assert "nothing was changed" in outcome.err
        if project.on_postgres:
            ((pid,),) = project.rows(
                "SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
                "WHERE l.locktype = 'advisory' AND l.granted AND d.datname = current_database()"
            )
            assert f"pid {pid}" in outcome.err
            assert "migration_manager dev" in outcome.err
        else:
            assert f"pid {holder.pid}" in outcome.err


# ------------------------------------------------------------------------------------- interrupted


def test_ctrl_c_in_a_statement_exits_130_keeps_nothing_and_says_so(project: Project) -> None:
    project.write_tables(USERS)
    project.write(TASKS, "CREATE TABLE tasks (id integer);\n" + slow(project))
    with project.start("migrate") as runner:
        until(is_working(project, USERS), "the runner is at work")
        began = time.monotonic()
        runner.send_signal(signal.SIGINT)
        outcome = ended(runner)
    assert time.monotonic() - began < 10
    assert outcome.code == 130, outcome.text
    assert "interrupted" in outcome.err
    assert f"nothing of {TASKS} was kept" in outcome.err
    assert "1 before it stays applied" in outcome.err
    assert "Traceback" not in outcome.text
    assert project.applied() == [USERS]
    assert not project.has_table("tasks")
    if project.on_postgres:
        until(lambda: not backends(project), "no backend is left")
    project.file(TASKS).write_text("CREATE TABLE tasks (id integer);\n")
    project.ok("migrate")


@pytest.mark.postgres
def test_ctrl_c_in_a_no_transaction_file_is_recorded_as_unfinished(postgres_project: Project) -> None:
    postgres_project.write(
        USERS, "-- migrate: no-transaction\nCREATE TABLE users (id integer);\nSELECT pg_sleep(300);\nSELECT 1;\n"
    )
    with postgres_project.start("migrate") as runner:
        until(is_working(postgres_project), "the runner is at work")
        runner.send_signal(signal.SIGINT)
        outcome = ended(runner)
    assert outcome.code == 130, outcome.text
    assert "unfinished" in outcome.err
    assert postgres_project.rows_of_history() == [(USERS, "unfinished")]
    until(lambda: not backends(postgres_project), "no backend is left")
    assert postgres_project.run("migrate").code == 4
    postgres_project.ok("forget", "--name", USERS)


@pytest.mark.parametrize("typed", [["migrate", "--lock-wait", "5min"]])
def test_ctrl_c_while_waiting_for_the_lock_exits_130(project: Project, typed: list[str]) -> None:
    project.write_tables(USERS)
    project.ok("migrate")
    project.write_tables(TASKS)
    with (
        project.target.open() as other,
        other.exclusive(1, lambda _holder, _seconds: None),
        project.start(*typed) as runner,
    ):
        assert runner.stderr is not None
        assert "the migration lock is held by" in runner.stderr.readline()
        runner.send_signal(signal.SIGINT)
        outcome = ended(runner)
    assert outcome.code == 130, outcome.text
    assert "Traceback" not in outcome.text
    assert project.applied() == [USERS]


def test_a_terminated_runner_keeps_nothing(project: Project) -> None:
    project.write(USERS, "CREATE TABLE users (id integer);\n" + slow(project))
    with project.start("migrate") as runner:
        until(is_working(project), "the runner is at work")
        runner.terminate()
        ended(runner)
    assert project.applied() == []
    if project.on_postgres:
        until(lambda: not backends(project), "no backend is left")
    assert not project.has_table("users")


# ------------------------------------------------------------------------------------------- killed


def test_a_runner_killed_in_the_middle_of_a_file_leaves_nothing_and_the_next_run_works(project: Project) -> None:
    project.write_tables(USERS)
    project.write(TASKS, "CREATE TABLE tasks (id integer);\n" + slow(project))
    with project.start("migrate") as runner:
        until(is_working(project, USERS), "the runner is at work")
        runner.kill()
        runner.wait()
    if project.on_postgres:
        until(lambda: not backends(project), "the server has noticed")
    assert project.status() == {USERS: "applied", TASKS: "pending"}
    project.file(TASKS).write_text("CREATE TABLE tasks (id integer);\n")
    outcome = project.ok("migrate", "--lock-wait", "10s")
    assert "1 applied" in outcome.out
    assert project.applied() == [USERS, TASKS]


@pytest.mark.postgres
def test_a_runner_killed_in_a_no_transaction_file_leaves_what_the_next_run_tells(postgres_project: Project) -> None:
    postgres_project.write(
        USERS, "-- migrate: no-transaction\nCREATE TABLE users (id integer);\nSELECT pg_sleep(300);\n"
    )
    with postgres_project.start("migrate") as runner:
        until(is_working(postgres_project), "the runner is at work")
        runner.kill()
        runner.wait()
    until(lambda: not backends(postgres_project), "the server has noticed")
    assert postgres_project.status() == {USERS: "unfinished"}
    assert postgres_project.run("migrate").code == 4
    postgres_project.ok("baseline", "--name", USERS)


@pytest.mark.postgres
def test_a_connection_that_is_cut_exits_5_and_what_is_known_is_told(postgres_project: Project) -> None:
    postgres_project.write(USERS, "CREATE TABLE users (id integer);\nSELECT pg_sleep(300);\n")
    with postgres_project.start("migrate") as runner:
        until(is_working(postgres_project), "the runner is at work")
        ((pid,),) = backends(postgres_project, "query LIKE '%pg_sleep(300)%'")
        postgres_project.rows(f"SELECT pg_terminate_backend({pid})")
        outcome = ended(runner)
    assert outcome.code == 5, outcome.text
    assert "Traceback" not in outcome.text
    assert postgres_project.applied() == []


# ---------------------------------------------------------------------------------------- nobody reads


def test_a_reader_that_goes_away_does_not_affect_the_run(project: Project) -> None:
    project.write_tables()
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*command(), "migrate"],
            cwd=project.root,
            env=project.environment(),
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    finally:
        os.close(writing)
    assert project.applied() == list(FIVE)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_head_1_does_not_affect_the_run(project: Project) -> None:
    project.write_tables()
    with project.start("migrate") as runner:
        assert runner.stdout is not None
        assert runner.stdout.read(1)
        runner.stdout.close()
        assert runner.stderr is not None
        told = runner.stderr.read()
        assert runner.wait(SECONDS) == 0
        runner.stdout = None
    assert "Traceback" not in told
    assert "BrokenPipe" not in told
    assert project.applied() == list(FIVE)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-", "> /dev/full"])
@on_sqlite
def test_closed_streams_do_not_affect_the_run(project: Project, closed: str) -> None:
    project.write_tables()
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *command(), "migrate"],
        cwd=project.root,
        env=project.environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert project.applied() == list(FIVE), done.stderr
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


# --------------------------------------------------------------------------------------------- locales


@pytest.mark.parametrize(
    "variables",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "ascii:strict"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
    ids=lambda value: " ".join(f"{k}={v}" for k, v in value.items()),
)
@on_sqlite
def test_a_locale_that_is_not_utf_8_does_not_crash(project: Project, variables: dict[str, str]) -> None:
    project.write(USERS, "CREATE TABLE größe (id integer); -- 日本語 😀 “quoted”\n", "DROP TABLE größe;\n")
    project.write(TASKS, "INSERT INTO nirgendwo VALUES ('日本語 😀');\n")
    for typed, code in ((["migrate"], 1), (["rollback", "--dry-run"], 0)):
        outcome = project_in(project, variables, *typed)
        assert outcome.returncode == code, outcome.stderr
        assert b"Traceback" not in outcome.stderr
        outcome.stdout.decode("latin-1")
    assert project.applied() == [USERS]
    document = project_in(project, variables, "status", "--json")
    assert document.returncode == 0
    assert json.loads(document.stdout)["counts"] == {"applied": 1, "pending": 1}
    assert project.has_table('"größe"' if project.on_postgres else "größe")


def project_in(project: Project, variables: dict[str, str], *typed: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*command(), *typed],
        cwd=project.root,
        env=project.environment(variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )


# --------------------------------------------------------------------------------------------- entries


@on_sqlite
def test_the_module_is_the_command(project: Project) -> None:
    project.write_tables()
    done = subprocess.run(
        [sys.executable, "-m", "migration_manager", "migrate", "--json"],
        cwd=project.root,
        env=project.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    assert FILES in done.stdout
    assert TAGS in project.applied()


def test_production_with_standard_input_from_dev_null_exits_6_at_once_and_writes_nothing(project: Project) -> None:
    project.write_tables()
    before = project.everything()
    began = time.monotonic()
    outcome = project.process("migrate", "--env", "production")
    assert time.monotonic() - began < 10
    assert outcome.code == 6, outcome.text
    assert project.everything() == before
    confirmed = project.process("migrate", "--env", "production", "--yes", "--confirm", project.database)
    assert confirmed.code == 0, confirmed.text
    assert project.applied() == list(FIVE)
