"""Others hold what a migration needs: it gives up, lets them on, comes back, and says who they are."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from migration_manager import embedded
from migration_manager.engines.base import SessionSettings
from migration_manager.engines.postgres import open_postgres
from migration_manager.model import Run, Sighting
from tests.fixtures.cli import TASKS, USERS, Project, backends, ended, until
from tests.fixtures.files import change
from tests.fixtures.postgres import Database, need_embedded
from tests.fixtures.targets import PostgresTarget
from tests.fixtures.terminal import rest, terminal

pytestmark = pytest.mark.postgres

WAITING = "wait_event_type = 'Lock'"
RUN = Run("run-1", "dev")


def database_of(project: Project) -> Database:
    assert isinstance(project.target, PostgresTarget)
    return project.target.database


@pytest.fixture
def held(postgres_project: Project) -> Project:
    """Return a project with a table, and a migration that changes it and makes another one before."""
    postgres_project.write_tables(USERS)
    postgres_project.ok("migrate")
    postgres_project.set("dev", lock_timeout="300ms")
    postgres_project.write(TASKS, "CREATE TABLE tasks (id integer);\nALTER TABLE users ADD name text;\n", "SELECT 1;")
    return postgres_project


@contextmanager
def reader(project: Project, *before: str, application: str = "report") -> Iterator[psycopg.Connection]:
    """Have a session that has read the table and keeps its transaction open."""
    conninfo: dict[str, Any] = {**database_of(project).conninfo, "application_name": application}
    with psycopg.connect("", autocommit=True, **conninfo) as connection:
        for statement in before:
            connection.execute(statement.encode())
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM users")
        yield connection


@contextmanager
def later(seconds: float, connection: psycopg.Connection) -> Iterator[None]:
    """End somebody's transaction after a while, whatever happens meanwhile."""
    timer = threading.Timer(seconds, lambda: connection.execute("COMMIT"))
    timer.start()
    try:
        yield
    finally:
        timer.join()


def test_it_is_tried_again_until_the_table_is_free_and_keeps_nothing_of_the_tries_before(held: Project) -> None:
    with reader(held) as other, later(1.5, other):
        outcome = held.ok("migrate", "--json")
    (done,) = outcome.json["done"]
    assert done["name"] == TASKS
    assert done["tries"] > 1
    assert done["execution_ms"] < 1000, "of the try that went in"
    assert held.applied() == [USERS, TASKS]
    assert held.log("action", "outcome")[-1] == ("migrate", "done"), "no row for a try that was given up"
    assert held.has_table("tasks")


def test_who_is_in_the_way_and_which_try_it_is_are_told(held: Project) -> None:
    held.variables["MIGRATION_MANAGER_LOCK_TIMEOUT"] = "2s"
    with reader(held) as other, later(3, other):
        pid, user = other.info.backend_pid, other.info.user
        outcome = held.ok("migrate")
    assert re.search(rf"  waiting  {TASKS}  lock on users, try 2 of 11\n", outcome.err), outcome.err
    assert re.search(
        rf"           blocked by pid {pid} \(report, {user}\) idle in transaction for \d+ m?s\n", outcome.err
    )
    assert "last: SELECT count(*) FROM users" in outcome.err
    assert f"  waiting  {TASKS}  not free within lock_timeout; try 2 of 11 in " in outcome.err
    assert "applied" in outcome.out


def test_others_get_on_between_two_tries(held: Project) -> None:
    """The whole transaction is begun anew: what its first statements have locked is free during the pause."""
    held.write(TASKS, "LOCK TABLE users IN ROW EXCLUSIVE MODE;\nCREATE TABLE tasks (id integer);\nLOCK TABLE gate;\n")
    held.rows("CREATE TABLE gate (id integer)")
    with reader(held) as other, database_of(held).connect() as third:
        other.execute("LOCK TABLE gate IN ACCESS SHARE MODE")
        with held.start("migrate") as runner:
            until(lambda: backends(held, WAITING), "it waits for the gate")
            with third.transaction():
                third.execute("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE")  # only when it has let go of everything
            until(lambda: backends(held, "state = 'idle'"), "it pauses")
            assert not backends(held, "xact_start IS NOT NULL")
            other.execute("COMMIT")
            outcome = ended(runner)
    assert outcome.code == 0, outcome.text
    assert held.applied() == [USERS, TASKS]


def test_when_the_tries_are_over_it_says_try_later_and_the_log_says_who_was_in_the_way(held: Project) -> None:
    held.set("dev", lock_retries=2)
    held.variables["MIGRATION_MANAGER_LOCK_TIMEOUT"] = "2s"
    with reader(held) as other:
        pid = other.info.backend_pid
        outcome = held.run("migrate")
    assert outcome.code == 5
    assert "canceling statement due to lock timeout   (55P03)" in outcome.err
    assert f"{TASKS}.sql:2:1 failed" in outcome.err, outcome.err
    assert "tried 3 times" in outcome.err
    assert "nothing of it was kept; it is still pending" in outcome.err
    assert f"blocked by pid {pid} (report, " in outcome.err
    assert not held.has_table("tasks")
    ((name, outcome_, code, error),) = held.log("migration_name", "outcome", "sqlstate", "error")[-1:]
    assert (name, outcome_, code) == (TASKS, "failed", "55P03")
    assert error.startswith(f"canceling statement due to lock timeout; tried 3 times; blocked by pid {pid} (report, ")


def test_the_document_of_the_failure_has_the_tries_and_who_was_in_the_way(held: Project) -> None:
    held.set("dev", lock_retries=1)
    held.variables["MIGRATION_MANAGER_LOCK_TIMEOUT"] = "2s"
    with reader(held) as other:
        pid = other.info.backend_pid
        error = held.run("migrate", "--json").json["error"]
    assert (error["kind"], error["exit_code"], error["tries"]) == ("LocksNotObtained", 5, 2)
    (blocker,) = error["blocked_by"]
    assert (blocker["pid"], blocker["application"]) == (pid, "report")
    assert blocker["state"] == "idle in transaction"


def test_no_retries_means_one_try(held: Project) -> None:
    held.set("dev", lock_retries=0)
    with reader(held):
        outcome = held.run("migrate", "--json")
    assert (outcome.code, outcome.json["error"]["tries"]) == (5, 1)


def test_the_budget_ends_the_tries_before_their_number_does(held: Project) -> None:
    held.set("dev", lock_retries=1000, lock_retry_budget="1s")
    with reader(held):
        began = time.monotonic()
        outcome = held.run("migrate", "--json")
    assert outcome.code == 5
    assert outcome.json["error"]["tries"] < 10
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("statement", ["SELECT pg_sleep(30)", "SELECT pg_cancel_backend(pg_backend_pid())"])
def test_what_a_timeout_or_a_person_ends_is_not_tried_again(held: Project, statement: str) -> None:
    held.write(TASKS, f"-- migrate: statement-timeout 200ms\n{statement};\n")
    outcome = held.run("migrate", "--json")
    assert (outcome.code, outcome.json["error"]["sqlstate"], outcome.json["error"]["tries"]) == (1, "57014", 1)


def test_a_deadlock_is_tried_again(held: Project) -> None:
    held.variables["MIGRATION_MANAGER_LOCK_TIMEOUT"] = "20s"
    held.rows("CREATE TABLE others (id integer)")
    held.write(
        TASKS, "LOCK TABLE users;\nSELECT pg_sleep(0.3);\nLOCK TABLE others;\nCREATE TABLE tasks (id integer);\n"
    )
    with database_of(held).connect() as other:
        other.execute("SET deadlock_timeout = '1min'")  # it is the migration that finds out
        other.execute("BEGIN")
        other.execute("LOCK TABLE others")
        with held.start("migrate", "--json") as runner:
            until(
                lambda: held.rows("SELECT 1 FROM pg_locks WHERE relation = 'users'::regclass AND granted"),
                "it has the first table",
            )
            other.execute("LOCK TABLE users IN ACCESS SHARE MODE")  # comes back when the other one was the victim
            other.execute("COMMIT")
            outcome = ended(runner)
    assert outcome.code == 0, outcome.text
    assert outcome.json["done"][0]["tries"] == 2


def test_a_serialization_failure_is_tried_again(held: Project) -> None:
    held.rows("CREATE SEQUENCE tries")  # which no rollback sets back
    held.write(
        TASKS,
        "CREATE TABLE tasks (id integer);\n"
        "DO $$BEGIN IF nextval('tries') < 3 THEN RAISE EXCEPTION 'not yet' USING ERRCODE = '40001'; END IF; END$$;\n",
    )
    (done,) = held.ok("migrate", "--json").json["done"]
    assert done["tries"] == 3


@pytest.mark.parametrize("atomic", [True, False])
def test_a_whole_group_is_begun_anew(held: Project, atomic: bool) -> None:
    held.write("20250103_100000_create_tags", "CREATE TABLE tags (id integer);\nALTER TABLE users ADD age integer;\n")
    with reader(held) as other, later(1.2, other):
        outcome = held.ok("migrate", "--json", *(["--atomic"] if atomic else []))
    assert [done["tries"] > 1 for done in outcome.json["done"]] == [True, atomic]
    assert len(held.applied()) == 3


def test_a_rollback_is_tried_again_as_well(held: Project) -> None:
    held.write(TASKS, "SELECT 1;\n", "ALTER TABLE users ADD gone text;\n")
    held.ok("migrate")
    with reader(held) as other, later(1.0, other):
        (done,) = held.ok("rollback", "--json").json["done"]
    assert done["tries"] > 1
    assert held.applied() == [USERS]


def test_ctrl_c_in_a_pause_ends_it_with_the_right_words(held: Project) -> None:
    held.variables["MIGRATION_MANAGER_LOCK_TIMEOUT"] = "10ms"
    with reader(held), held.start("migrate") as runner:
        told(runner, "try 4 of 11 in ")  # a pause of half a second or more
        runner.send_signal(signal.SIGINT)
        outcome = ended(runner)
    assert outcome.code == 130, outcome.text
    assert f"nothing of {TASKS} was kept" in outcome.err
    assert held.applied() == [USERS]


def test_ctrl_c_while_it_is_being_watched_rolls_back(held: Project) -> None:
    with reader(held), waiting(held) as runner:
        told(runner, "blocked by")
        runner.send_signal(signal.SIGINT)
        outcome = ended(runner)
    assert outcome.code == 130, outcome.text
    assert not held.has_table("tasks")
    until(lambda: not watchers(held), "the second connection is gone")


# --------------------------------------------------------------------------------- who is in the way


def watchers(project: Project) -> list[tuple[Any, ...]]:
    return project.rows(
        "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'watching migration_manager%' "
        "AND datname = current_database()"
    )


@contextmanager
def waiting(project: Project, *typed: str) -> Iterator[subprocess.Popen[str]]:
    """Have a run that waits for a lock, and for nothing else."""
    with project.start("migrate", *typed, env={"MIGRATION_MANAGER_LOCK_TIMEOUT": "1min"}) as runner:
        until(lambda: backends(project, WAITING), "it waits")
        yield runner


def told(runner: subprocess.Popen[str], word: str) -> str:
    """Read what it tells up to a word."""
    assert runner.stderr is not None
    text = ""
    while word not in text:
        line = runner.stderr.readline()
        assert line, text
        text += line
    return text


def test_those_who_queue_behind_it_are_counted(held: Project) -> None:
    with reader(held) as other, ExitStack() as stack, waiting(held) as runner:
        for _ in range(3):
            queue_up(stack, held)
        assert re.search(r"           (1 session queues|[23] sessions queue) behind us\n", told(runner, "behind us"))
        until(lambda: held.ok("blockers", "--json").json["running"][0]["waits"]["queued"] == 3, "three are counted")
        other.execute("COMMIT")
        outcome = ended(runner)
    assert outcome.code == 0


def queue_up(stack: ExitStack, project: Project) -> None:
    connection = stack.enter_context(database_of(project).connect())
    thread = threading.Thread(target=connection.execute, args=("SELECT count(*) FROM users",), daemon=True)
    thread.start()
    stack.callback(thread.join)


def test_a_queue_that_grows_too_long_makes_it_give_way(held: Project) -> None:
    held.set("dev", lock_queue_limit=2, lock_retries=0)
    with reader(held) as other, ExitStack() as stack:
        with waiting(held, "--json") as runner:
            for _ in range(3):
                queue_up(stack, held)
            outcome = ended(runner)
        other.execute("COMMIT")
    assert outcome.code == 5, outcome.text
    assert not held.has_table("tasks")
    assert "gave way: 3 sessions queued behind the lock it waited for (lock_queue_limit is 2)" in outcome.err


def test_one_that_waits_itself_says_for_whom(held: Project) -> None:
    with reader(held) as root, database_of(held).connect() as middle:
        middle.execute("SET application_name = 'middle'")
        pids = middle.info.backend_pid, root.info.backend_pid
        thread = threading.Thread(target=middle.execute, args=("ALTER TABLE users ADD x integer",))
        thread.start()
        until(lambda: held.rows("SELECT 1 FROM pg_locks WHERE NOT granted"), "the one in the middle waits")
        with waiting(held) as runner:
            text = told(runner, "which waits for")
            root.execute("COMMIT")
            assert ended(runner).code == 0
        thread.join()
    assert re.search(rf"blocked by pid {pids[0]} \(middle, .*, which waits for pid {pids[1]}\n", text), text
    assert f"blocked by pid {pids[1]} (report" in text


@pytest.fixture
def preparing(tmp_path: Path) -> Iterator[Project]:
    """Return a project on a server of its own, which allows prepared transactions: most have them switched off."""
    need_embedded()
    folder = tmp_path / "server"
    try:
        with embedded.running(folder) as address, psycopg.connect(address.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET max_prepared_transactions = 5")
        with embedded.running(folder) as address:
            conninfo = {**address.conninfo, "dbname": address.database}
            yield Project(tmp_path / "project", PostgresTarget(Database(conninfo)), address.url)
    finally:
        embedded.destroy(folder, force=True)


def test_a_prepared_transaction_is_named(preparing: Project) -> None:
    preparing.write_tables(USERS)
    preparing.ok("migrate")
    preparing.write(TASKS, "ALTER TABLE users ADD name text;\n")
    with database_of(preparing).connect() as other:
        other.execute("BEGIN")
        other.execute("LOCK TABLE users IN ACCESS SHARE MODE")
        other.execute("PREPARE TRANSACTION 'forgotten'")
        shown = preparing.ok("blockers").out
        with waiting(preparing) as runner:
            text = told(runner, "blocked by")
            other.execute("ROLLBACK PREPARED 'forgotten'")
            assert ended(runner).code == 0
    assert "blocked by the prepared transaction 'forgotten' of " in text
    assert "  the prepared transaction 'forgotten' of " in shown


def test_one_that_holds_a_row_is_named_too(held: Project) -> None:
    held.rows("INSERT INTO users VALUES (1)")
    held.write(TASKS, "UPDATE users SET id = 2;\n")
    with database_of(held).connect() as other:
        other.execute("BEGIN")
        other.execute("UPDATE users SET id = 1")
        with waiting(held) as runner:
            text = told(runner, "blocked by")
            other.execute("COMMIT")
            assert ended(runner).code == 0
    assert "waiting  " in text
    assert "a row of users that another transaction changed" in text


@pytest.mark.parametrize("shown", [True, False])
def test_queries_are_shown_without_passwords_on_one_line_or_not_at_all(held: Project, shown: bool) -> None:
    held.set("dev", show_queries=shown)
    with reader(held) as other:
        other.execute(b"DO $$BEGIN IF false THEN\n  ALTER ROLE nobody\n  PASSWORD 'canary-in-a-query'; END IF; END$$")
        with waiting(held) as runner:
            text = told(runner, "last:" if shown else "blocked by")
            other.execute("COMMIT")
            outcome = ended(runner)
    text += outcome.err
    assert "canary" not in text + outcome.out
    assert ("last: DO $$BEGIN IF false THEN ALTER ROLE nobody PASSWORD '***'; END IF; END$$" in text) is shown


def test_what_the_server_keeps_from_the_login_is_left_out_with_the_grant_that_helps(held: Project) -> None:
    login = f"app_{held.database}"
    held.rows(f"CREATE ROLE {login} LOGIN PASSWORD 'x'")
    held.rows(f"GRANT ALL ON DATABASE {held.database} TO {login}")
    held.rows(f"GRANT ALL ON SCHEMA public TO {login}")
    for table in ("users", *(f"schema_migrations{end}" for end in ("", "_log", "_text", "_progress"))):
        held.rows(f"ALTER TABLE {table} OWNER TO {login}")
    database = database_of(held)
    held.variables["TARGET_URL"] = Database({**database.conninfo, "user": login, "password": "x"}).url
    try:
        with reader(held) as other, waiting(held) as runner:
            pid = other.info.backend_pid
            text = told(runner, "GRANT")
            other.execute("COMMIT")
            outcome = ended(runner)
        assert outcome.code == 0, outcome.text
        assert re.search(rf"blocked by pid {pid} \(report, \w+\)\n", text)
        assert f'GRANT pg_read_all_stats TO "{login}";' in text
        assert "insufficient" not in text
        assert "last:" not in text
    finally:
        held.rows(f"REASSIGN OWNED BY {login} TO CURRENT_USER")
        held.rows(f"DROP OWNED BY {login}")
        held.rows(f"DROP ROLE {login}")


# ----------------------------------------------------------------------------- the second connection


def test_a_run_that_never_waits_has_one_connection(held: Project) -> None:
    held.write(TASKS, "CREATE TABLE seen AS SELECT application_name FROM pg_stat_activity;\n")
    held.ok("migrate")
    assert held.rows("SELECT 1 FROM seen WHERE application_name LIKE 'watching%'") == []


def test_nothing_happens_to_the_run_when_the_second_connection_is_ended_again_and_again(held: Project) -> None:
    with reader(held) as other, waiting(held) as runner:
        for _ in range(2):
            until(lambda: watchers(held), "somebody watches")
            held.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'watching %' "
                "AND datname = current_database()"
            )
        other.execute("COMMIT")
        outcome = ended(runner)
    assert outcome.code == 0, outcome.text


def test_nothing_happens_to_the_run_when_there_is_no_room_for_a_second_connection(held: Project) -> None:
    with reader(held) as other:
        limit = len(held.rows("SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"))
        login = f"one_{held.database}"
        held.rows(f"CREATE ROLE {login} LOGIN SUPERUSER CONNECTION LIMIT 1")
        assert limit
        database = database_of(held)
        held.variables["TARGET_URL"] = Database({**database.conninfo, "user": login}).url
        held.rows(f"ALTER ROLE {login} NOSUPERUSER")  # a superuser has no limit
        held.rows(f"GRANT {other.info.user} TO {login}")
        held.set("dev", role=other.info.user)
        try:
            with waiting(held) as runner:
                until(lambda: not watchers(held), "nobody watches")
                time.sleep(1)  # it tries and is refused
                other.execute("COMMIT")
                outcome = ended(runner)
        finally:
            held.rows(f"DROP OWNED BY {login}")
            held.rows(f"DROP ROLE {login}")
    assert outcome.code == 0, outcome.text
    assert "blocked by" not in outcome.err


def test_the_second_connection_goes_with_the_session_it_has_watched(postgres_project: Project) -> None:
    sightings: list[Sighting] = []
    conninfo = database_of(postgres_project).conninfo
    with open_postgres(
        conninfo, SessionSettings(application_name="migration_manager"), on_wait=sightings.append
    ) as own:
        own.ensure_history(RUN)
        with own.exclusive(1, lambda _holder, _seconds: None):
            own.transact(RUN, [change(USERS, "SELECT pg_sleep(2)")])
        assert sightings
        assert watchers(postgres_project)
        postgres_project.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'migration_manager' "
            "AND datname = current_database()"
        )
        until(lambda: not own._session.wire.is_open, "it has heard of its end")
        assert [row.name for row in own.recorded().applied] == [USERS], "over another session"
        until(lambda: not watchers(postgres_project), "the second connection is gone")
        sightings.clear()
        with own.exclusive(1, lambda _holder, _seconds: None):
            own.transact(RUN, [change(TASKS, "SELECT pg_sleep(2)")])
        assert sightings, "there is another one for the new session"


# ------------------------------------------------------------------------------------------ progress


def test_how_far_an_index_is_is_told_on_a_terminal(postgres_project: Project) -> None:
    postgres_project.rows("CREATE TABLE big AS SELECT n, md5(n::text) AS text FROM generate_series(1, 400000) n")
    postgres_project.write(
        USERS,
        # An index of a function takes its time, and PostgreSQL says how far it is all the while.
        "CREATE FUNCTION slow(n bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$BEGIN\n"
        "  FOR i IN 1..20 LOOP n := n + i; END LOOP; RETURN n; END$$;\n"
        "CREATE INDEX ON big (slow(n));\n",
    )
    with terminal(postgres_project, "migrate", columns=80) as child:
        text = rest(child)
    assert child.exitstatus == 0, text
    assert re.search(rf"running +{USERS}  index \d+ %", text), text
    assert re.search(rf"applied .*{USERS}.*index 100 %", text), text
    drawn = [line for line in re.split(r"[\r\n]+|\x1b\[K", text) if "running" in line]
    assert max(map(len, drawn)) < 80


def test_how_far_a_statement_outside_a_transaction_is_is_told(postgres_project: Project) -> None:
    postgres_project.rows("CREATE TABLE big AS SELECT n, md5(n::text) AS text FROM generate_series(1, 400000) n")
    postgres_project.rows(
        "CREATE FUNCTION slow(n bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$BEGIN "
        "FOR i IN 1..20 LOOP n := n + i; END LOOP; RETURN n; END$$"
    )
    postgres_project.write(USERS, "-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY ON big (slow(n));\n")
    outcome = postgres_project.ok("migrate")
    assert re.search(rf"running +{USERS}  index \d+ %", outcome.err), outcome.err
    assert "index 100 %" in outcome.out


# ------------------------------------------------------------------------- what it means for others


def client(project: Project, stop: threading.Event, patience: str, failures: list[str]) -> None:
    """Use the table again and again; a wait that takes longer than its patience is a failure."""
    with database_of(project).connect() as connection:
        connection.execute(f"SET lock_timeout = '{patience}'".encode())
        while not stop.is_set():
            try:
                connection.execute("SELECT count(*) FROM users")
            except psycopg.errors.LockNotAvailable as error:
                failures.append(str(error))
            time.sleep(0.01)


@pytest.mark.parametrize("lock_timeout", ["200ms", "1min"])
def test_nobody_waits_much_longer_than_lock_timeout_behind_a_migration(held: Project, lock_timeout: str) -> None:
    """See `scripts/contention.py` for the measure itself; one without a bound is the control, which must fail."""
    held.variables["MIGRATION_MANAGER_LOCK_TIMEOUT"] = lock_timeout
    failures: list[str] = []
    stop = threading.Event()
    clients = [threading.Thread(target=client, args=(held, stop, "1500ms", failures)) for _ in range(4)]
    with reader(held) as other, later(4.0, other):
        for thread in clients:
            thread.start()
        try:
            held.ok("migrate")
        finally:
            stop.set()
            for thread in clients:
                thread.join()
    assert (failures == []) is (lock_timeout == "200ms"), failures
