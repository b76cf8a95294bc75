"""Signals that end a run, wherever it is: the exit code, the sentence about the state, and nothing left over."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from migration_manager.interrupts import GRACE, Stop
from tests.fixtures.big import MIB, write_pieces
from tests.fixtures.cli import (
    ENDLESS,
    SECONDS,
    TAGS,
    TASKS,
    USERS,
    Outcome,
    Project,
    backends,
    command,
    ended,
    is_working,
    on_sqlite,
    slow,
    until,
)
from tests.fixtures.postgres import Database, need_embedded
from tests.fixtures.proxies import connected
from tests.fixtures.servers import private_folder
from tests.fixtures.targets import PostgresTarget
from tests.fixtures.terminal import rest, terminal

pytestmark = pytest.mark.e2e

stops = pytest.mark.parametrize("stop", Stop, ids=lambda stop: stop.value.name)
bounded = pytest.mark.parametrize("stop", [Stop.TERMINATED, Stop.HUNG_UP], ids=lambda stop: stop.value.name)
SLACK = 5.0  # seconds more than promised that a busy machine may take


def stopped(runner: subprocess.Popen[str], stop: Stop) -> Outcome:
    """Send a signal, and see that the process ends by it in time and in order."""
    began = time.monotonic()
    runner.send_signal(stop.value)
    outcome = ended(runner)
    assert time.monotonic() - began < GRACE + SLACK
    assert outcome.code == 128 + stop.value, outcome.text
    assert f"error: {stop.word}" in outcome.err
    assert "Traceback" not in outcome.text
    return outcome


def is_at_rest(project: Project) -> None:
    """See that nobody is at work any more, and that the lock is free."""
    if project.on_postgres:
        until(lambda: not backends(project), "no backend is left")
    with project.target.open() as engine, engine.exclusive(0, lambda _holder, _seconds: None):
        pass


# -------------------------------------------------------------------------------------- in the middle


@stops
def test_in_a_statement_nothing_is_kept_the_lock_is_free_and_history_tells(project: Project, stop: Stop) -> None:
    project.write_tables(USERS, TAGS)
    project.write(TASKS, "CREATE TABLE tasks (id integer);\n" + slow(project))
    with project.start("migrate", "--json") as runner:
        until(is_working(project, USERS), "the runner is at work")
        outcome = stopped(runner, stop)
    assert f"nothing of {TASKS} was kept; 1 before it stays applied" in " ".join(outcome.err.split())
    error = outcome.json["error"]
    assert (error["kind"], error["exit_code"], error["signal"]) == ("Interrupted", outcome.code, stop.value.name)
    assert (error["done"], error["not_reached"]) == ([USERS], [TAGS])
    is_at_rest(project)
    assert not project.has_table("tasks")
    text = f"{stop.word} by {stop.origin}"
    assert project.log("migration_name", "outcome", "error")[-1] == (TASKS, "failed", text)
    assert text in project.ok("history").out
    project.file(TASKS).write_text("CREATE TABLE tasks (id integer);\n")
    project.ok("migrate", "--lock-wait", "0s")


@stops
@pytest.mark.postgres
def test_in_a_no_transaction_file_it_is_recorded_as_unfinished(postgres_project: Project, stop: Stop) -> None:
    postgres_project.write(
        USERS, "-- migrate: no-transaction\nCREATE TABLE users (id integer);\nSELECT pg_sleep(300);\nSELECT 1;\n"
    )
    with postgres_project.start("migrate") as runner:
        until(is_working(postgres_project), "the runner is at work")
        outcome = stopped(runner, stop)
    assert f"{USERS} is recorded as unfinished" in outcome.err
    assert postgres_project.rows_of_history() == [(USERS, "unfinished")]
    assert postgres_project.log("outcome", "error")[-1] == ("failed", f"{stop.word} by {stop.origin}")
    is_at_rest(postgres_project)


@bounded
def test_while_it_waits_for_the_lock(project: Project, stop: Stop) -> None:
    project.write_tables(USERS)
    project.ok("migrate")
    project.write_tables(TASKS)
    with (
        project.target.open() as other,
        other.exclusive(1, lambda _holder, _seconds: None),
        project.start("migrate", "--lock-wait", "5min") as runner,
    ):
        assert runner.stderr is not None
        assert "the migration lock is held by" in runner.stderr.readline()
        outcome = stopped(runner, stop)
    assert "nothing was changed" in outcome.err
    assert project.applied() == [USERS]


@bounded
@on_sqlite
def test_while_a_question_stands(project: Project, stop: Stop) -> None:
    project.write_tables(USERS)
    with terminal(project, "migrate", "--env", "production", "--no-color") as child:
        child.expect_exact("Type the database's name to go on: ")
        child.kill(stop.value)
        text = rest(child)
    assert child.exitstatus == 128 + stop.value, text
    assert f"error: {stop.word}" in text
    assert "nothing was changed" in text
    assert project.applied() == []


@on_sqlite
def test_a_terminal_that_is_closed_hangs_the_run_up(project: Project) -> None:
    project.write(USERS, "CREATE TABLE users (id integer);\n" + ENDLESS)
    with terminal(project, "migrate") as child:
        until(is_working(project), "the runner is at work")
        process: Any = child.ptyproc  # type: ignore[attr-defined]
        process.fileobj.close()  # only that: pexpect's own way is to send signals after it
        assert process.wait() == Stop.HUNG_UP.exit_code
    is_at_rest(project)
    assert project.log("outcome", "error")[-1] == ("failed", "hung up by SIGHUP")


@bounded
@on_sqlite
def test_while_a_file_is_read(project: Project, stop: Stop) -> None:
    path = project.file(USERS)
    write_pieces(path, (f"INSERT INTO t VALUES ({number}, '{'x' * 900}');\n" for number in range(80_000)))
    assert path.stat().st_size > 60 * MIB
    with project.start("migrate") as runner:
        descriptors = Path(f"/proc/{runner.pid}/fd")
        if not descriptors.exists():
            pytest.skip("this system does not tell which files a process has open")
        until(lambda: any(_target(each) == path for each in descriptors.iterdir()), "it reads the file")
        outcome = stopped(runner, stop)
    assert "nothing was changed" in outcome.err
    assert project.rows_of_history() == []


def _target(descriptor: Path) -> Path | None:
    with suppress(OSError):  # it was closed meanwhile
        return descriptor.readlink()
    return None


@bounded
@on_sqlite
def test_while_an_embedded_server_is_made(project: Project, tmp_path: Path, stop: Stop) -> None:
    need_embedded()
    from migration_manager import embedded

    directory = tmp_path / "embedded"
    project.write_tables(USERS)
    with project.start("migrate", "--url", f"embedded:{directory}") as runner:
        assert runner.stderr is not None
        assert "making an embedded PostgreSQL" in runner.stderr.readline()
        stopped(runner, stop)
    assert embedded.address(directory) is None
    try:
        assert project.process("migrate", "--url", f"embedded:{directory}").code == 0
    finally:
        embedded.destroy(directory, force=True)


# ---------------------------------------------------------------------------------------- in a COMMIT


def write_slow_commit(project: Project, *, heedless: bool) -> None:
    """Write a migration whose COMMIT takes long; a heedless one cannot be cancelled in it."""
    heed = "EXCEPTION WHEN query_canceled THEN NULL;" if heedless else ""
    project.write(
        USERS,
        "CREATE TABLE users (id integer);\n"
        f"CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n"
        f"  PERFORM pg_sleep(300); RETURN NULL; {heed}\n  RETURN NULL;\nEND $$;\n"
        "CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED\n"
        "  FOR EACH ROW EXECUTE FUNCTION dawdle();\n"
        "INSERT INTO users VALUES (1);\n",
    )


def is_committing(project: Project) -> Callable[[], object]:
    return lambda: backends(project, "wait_event = 'PgSleep'")


@stops
@pytest.mark.postgres
@pytest.mark.parametrize("heedless", [False, True], ids=["cancelled", "finished"])
def test_in_a_commit_what_became_of_it_is_said(postgres_project: Project, stop: Stop, heedless: bool) -> None:
    write_slow_commit(postgres_project, heedless=heedless)
    postgres_project.write_tables(TASKS)
    with postgres_project.start("migrate", "--json") as runner:
        until(is_committing(postgres_project), "it commits")
        outcome = stopped(runner, stop)
    done = [USERS] if heedless else []
    assert postgres_project.applied() == done
    assert postgres_project.has_table("users") is heedless
    assert outcome.json["error"]["done"] == done
    assert outcome.json["error"]["not_reached"] == [TASKS]
    said = f"{USERS} was finished and is recorded" if heedless else f"nothing of {USERS} was kept"
    assert outcome.json["error"]["state"] == f"{said}; 1 more not reached"
    assert postgres_project.log("outcome")[-1] == (("done",) if heedless else ("failed",))
    is_at_rest(postgres_project)


# ----------------------------------------------------------------------------- a server that is not there


class Hole:
    """Between the command line and a server: once it is open, what is said falls into it.

    A `shallow` one lets the first words of each new connection through, so that a cancellation arrives, and somebody
    who connects is welcomed and then heard no more.
    """

    def __init__(self, folder: Path, database: Database) -> None:
        self._server = database.conninfo
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(folder / ".s.PGSQL.5432"))
        self._listening.listen(64)
        self._sockets = [self._listening]
        self._open = False
        self._shallow = False
        self.connections = 0
        rest = {key: value for key, value in database.conninfo.items() if key not in ("host", "port", "hostaddr")}
        self.url = Database({**rest, "host": str(folder), "port": "5432"}).url
        threading.Thread(target=self._accept, daemon=True).start()

    def open(self, *, shallow: bool = False) -> None:
        self._shallow = shallow
        self._open = True

    def close(self) -> None:
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = connected(self._server)
                self._sockets += [client, server]
                self.connections += 1
                welcome = self._open and self._shallow
                for whence, where, first in ((client, server, welcome), (server, client, welcome)):
                    threading.Thread(target=self._carry, args=(whence, where, first), daemon=True).start()
        self._listening.close()

    def _carry(self, whence: socket.socket, where: socket.socket, first: bool) -> None:
        with suppress(OSError):
            while data := whence.recv(65536):
                if first or not self._open:
                    where.sendall(data)
                first = False
            if not self._open:
                where.shutdown(socket.SHUT_RDWR)
        whence.close()


@pytest.fixture
def hole(postgres_project: Project) -> Iterator[Hole]:
    """Return what stands between `postgres_project`'s command line and its server from here on."""
    assert isinstance(postgres_project.target, PostgresTarget)
    with private_folder("hole-") as (folder, _):
        made = Hole(folder, postgres_project.target.database)
        postgres_project.variables["TARGET_URL"] = made.url
        yield made
        made.close()


@bounded
@pytest.mark.postgres
@pytest.mark.parametrize("shallow", [False, True], ids=["deaf", "welcoming"])
def test_a_server_that_does_not_answer_is_waited_for_five_seconds(
    postgres_project: Project, hole: Hole, stop: Stop, shallow: bool
) -> None:
    postgres_project.write(USERS, "CREATE TABLE users (id integer);\nSELECT pg_sleep(300);\n")
    with postgres_project.start("migrate") as runner:
        until(is_working(postgres_project), "the runner is at work")
        hole.open(shallow=shallow)
        outcome = stopped(runner, stop)
    assert "`status` tells" in outcome.err
    if shallow:  # who looks what became of it is never answered
        assert "stopped at once" in outcome.err
        assert outcome.err.count("\n") == outcome.err.count("error:") == 1
    elif "stopped at once" not in outcome.err:  # there are four seconds of patience in it: a busy machine may need more
        assert f"what became of {USERS} is not known" in outcome.err
    hole.close()
    is_at_rest(postgres_project)
    assert postgres_project.applied() == []


@pytest.mark.postgres
def test_ctrl_c_in_the_clean_up_of_the_first_ends_it_at_once(postgres_project: Project, hole: Hole) -> None:
    postgres_project.write(USERS, "CREATE TABLE users (id integer);\nSELECT pg_sleep(300);\n")
    with postgres_project.start("migrate") as runner:
        until(is_working(postgres_project), "the runner is at work")
        hole.open(shallow=True)
        before = hole.connections
        runner.send_signal(signal.SIGINT)
        until(lambda: hole.connections == before + 2, "it has cancelled, and looks what became of it")
        time.sleep(GRACE)
        assert runner.poll() is None, "the first one waits for as long as it takes"
        runner.send_signal(signal.SIGINT)
        began = time.monotonic()
        outcome = ended(runner)
    assert time.monotonic() - began < SLACK
    assert outcome.code == 130
    assert outcome.err.startswith("error: interrupted again: stopped at once; what was not committed is rolled back")
    assert outcome.err.count("\n") == 1
    hole.close()
    is_at_rest(postgres_project)


@bounded
@pytest.mark.postgres
def test_a_reader_that_has_stopped_reading_does_not_keep_it(postgres_project: Project, stop: Stop) -> None:
    told = "DO $$ BEGIN FOR i IN 1..40 LOOP RAISE NOTICE '%', repeat('x', 5000); END LOOP; END $$;\n"
    postgres_project.write(USERS, told + "SELECT pg_sleep(300);\n")
    with postgres_project.start("migrate") as runner:
        until(lambda: backends(postgres_project, "query LIKE '%pg_sleep(300)%'"), "it is at work")
        waiting = Path(f"/proc/{runner.pid}/wchan")
        with suppress(OSError):  # not every system tells
            until(lambda: "pipe_w" in waiting.read_text() or waiting.read_text() in ("", "0"), "its pipe is full")
        runner.send_signal(stop.value)
        assert runner.wait(GRACE + SLACK) == stop.exit_code
    is_at_rest(postgres_project)
    assert postgres_project.applied() == []


# ------------------------------------------------------------------------------------ ignored, and stopped


@contextmanager
def waiting_at_a_gate(project: Project) -> Iterator[Callable[[], None]]:
    """Write a migration that waits until what is handed out is called."""
    assert isinstance(project.target, PostgresTarget)
    project.rows("CREATE TABLE gate (open integer)")
    project.write(USERS, "-- migrate: lock-timeout 0\nCREATE TABLE users (id integer);\nSELECT * FROM gate;\n")
    with project.target.database.connect() as holder:
        holder.execute("BEGIN")
        holder.execute("LOCK TABLE gate IN ACCESS EXCLUSIVE MODE")
        yield lambda: _commit(holder)


def _commit(holder: psycopg.Connection) -> None:
    holder.execute("COMMIT")


@pytest.mark.postgres
def test_what_is_ignored_at_the_start_stays_ignored(postgres_project: Project) -> None:
    project = postgres_project
    with waiting_at_a_gate(project) as let_in:
        runner = subprocess.Popen(
            ["sh", "-c", 'trap "" INT HUP TERM; exec "$@"', "sh", *command(), "migrate"],
            cwd=project.root,
            env=project.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            until(lambda: backends(project, "wait_event_type = 'Lock'"), "it waits")
            for stop in (*Stop, *Stop):
                runner.send_signal(stop.value)
            let_in()
            out, err = runner.communicate(timeout=SECONDS)
        finally:
            runner.kill()
            runner.wait()
    assert runner.returncode == 0, err
    assert "1 applied" in out
    assert project.applied() == [USERS]


@pytest.mark.postgres
def test_a_runner_that_was_stopped_goes_on(postgres_project: Project) -> None:
    with waiting_at_a_gate(postgres_project) as let_in, postgres_project.start("migrate") as runner:
        until(lambda: backends(postgres_project, "wait_event_type = 'Lock'"), "it waits")
        runner.send_signal(signal.SIGSTOP)
        let_in()
        until(lambda: not backends(postgres_project, "state = 'active'"), "the server has answered")
        time.sleep(2)  # longer than the server's interval for a look at the connection
        assert backends(postgres_project), "it is waited for"
        runner.send_signal(signal.SIGCONT)
        outcome = ended(runner)
    assert outcome.code == 0, outcome.text
    assert postgres_project.applied() == [USERS]


# ------------------------------------------------------------------------------------ any other moment


@pytest.mark.parametrize("typed", [["migrate"], ["rollback", "--all"]], ids=lambda typed: typed[0])
@bounded
def test_at_any_moment_the_sentence_agrees_with_the_database(project: Project, typed: list[str], stop: Stop) -> None:
    project.write_tables()
    names = sorted(path.stem for path in project.migrations.glob("*[!k].sql"))
    for number in range(8):
        if typed[0] == "rollback":
            project.ok("migrate")
        before = project.applied()
        with project.start(*typed, "--json") as runner:
            with suppress(subprocess.TimeoutExpired):
                runner.wait(0.35 + 0.05 * number)
            runner.send_signal(stop.value)
            outcome = ended(runner)
        now = project.applied()
        assert outcome.code in (0, stop.exit_code, -stop.value), outcome.text
        assert "Traceback" not in outcome.text
        if outcome.out:
            document = outcome.json.get("error", outcome.json)
            done = [each if isinstance(each, str) else each["name"] for each in document.get("done", [])]
            changed = [name for name in names if (name in before) != (name in now)]
            assert sorted(done) == changed, outcome.text
            assert "nothing was changed" not in outcome.err or not changed
        if typed[0] == "migrate":
            project.ok("rollback", "--all")
