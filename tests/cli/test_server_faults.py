"""A server that goes away, is a standby, is full, or ends what runs: nothing is half done, and it is said (C1)."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import pytest

from tests.fixtures.cli import FIVE, TASKS, USERS, Outcome, Project, backends, ended, until
from tests.fixtures.own_projects import project_on, slowly
from tests.fixtures.postgres import Database, need_embedded
from tests.fixtures.servers import OwnServer, own_server_in_its_folder, standby_of
from tests.fixtures.targets import PostgresTarget
from tests.fixtures.terminal import rest, terminal

pytestmark = pytest.mark.postgres

SLEEPS = "CREATE TABLE tasks (id integer);\nSELECT pg_sleep({seconds});\n"


def in_the_second_file(project: Project, seconds: float = 300) -> None:
    """Write five files of which the second takes its time."""
    project.write_tables()
    project.write(TASKS, SLEEPS.format(seconds=seconds))


def is_asleep(project: Project) -> list[tuple[int]]:
    return backends(project, "state = 'active' AND wait_event = 'PgSleep'")


def told_and_kept_nothing(outcome: Outcome, code: int, *words: str) -> None:
    assert outcome.code == code, outcome.text
    for word in words:
        assert word in outcome.err
    assert f"nothing of {TASKS} was kept" in outcome.err
    assert "1 before it stays applied" in outcome.err
    assert "Traceback" not in outcome.text


# ------------------------------------------------------------------------------------ ended by others


def test_a_session_that_is_terminated_exits_5_and_names_the_reason(postgres_project: Project) -> None:
    project = postgres_project
    in_the_second_file(project)
    with project.start("migrate") as runner:
        until(lambda: is_asleep(project), "the second file runs")
        project.rows(f"SELECT pg_terminate_backend({is_asleep(project)[0][0]})")
        outcome = ended(runner)
    told_and_kept_nothing(outcome, 5, "terminating connection due to administrator command")
    assert project.applied() == [USERS]
    assert not project.has_table("tasks")


def test_a_statement_that_is_cancelled_is_a_failure_and_is_not_tried_again(postgres_project: Project) -> None:
    project = postgres_project
    in_the_second_file(project)
    with project.start("migrate") as runner:
        until(lambda: is_asleep(project), "the second file runs")
        project.rows(f"SELECT pg_cancel_backend({is_asleep(project)[0][0]})")
        outcome = ended(runner)
    assert outcome.code == 1
    assert f"{TASKS}.sql:2:1 failed" in outcome.err
    assert "canceling statement due to user request" in outcome.err
    assert project.applied() == [USERS]
    assert not project.has_table("tasks")
    assert project.log("migration_name", "outcome")[-1] == (TASKS, "failed")


def test_a_backend_that_is_killed_makes_the_server_recover_and_keeps_nothing(
    own_server: OwnServer, own_project: Project
) -> None:
    project = own_project
    in_the_second_file(project)
    with project.start("migrate") as runner:
        until(lambda: is_asleep(project), "the second file runs")
        own_server.kill_backend(is_asleep(project)[0][0])
        outcome = ended(runner)
    told_and_kept_nothing(outcome, 5, "the connection was lost")
    own_server.wait_until_ready()
    assert project.applied() == [USERS]
    project.write(TASKS, SLEEPS.format(seconds=0))
    project.ok("migrate")
    assert project.applied() == list(FIVE)


def test_a_fast_shutdown_in_the_middle_of_a_file_keeps_nothing_of_it(
    own_server: OwnServer, own_project: Project
) -> None:
    project = own_project
    in_the_second_file(project)
    with project.start("migrate") as runner:
        until(lambda: is_asleep(project), "the second file runs")
        own_server.ask_to_stop(signal.SIGINT)
        outcome = ended(runner)
    told_and_kept_nothing(outcome, 5, "terminating connection due to administrator command")
    until(own_server.has_ended, "the server has stopped")
    refused = project.run("migrate")
    assert refused.code == 5
    assert "cannot connect" in refused.err
    own_server.start()
    assert project.applied() == [USERS]
    assert not project.has_table("tasks")


def test_a_smart_shutdown_lets_a_run_end_and_keeps_others_out(own_server: OwnServer, own_project: Project) -> None:
    project = own_project
    project.write_tables()
    project.write(TASKS, "CREATE TABLE tasks (id integer);\nSELECT pg_advisory_xact_lock(4711);\n")
    assert isinstance(project.target, PostgresTarget)
    with project.target.database.connect() as held:
        held.execute("SELECT pg_advisory_lock(4711)")
        with project.start("migrate") as runner:
            until(lambda: backends(project, "wait_event_type = 'Lock'"), "the second file waits for us")
            own_server.ask_to_stop(signal.SIGTERM)
            late: list[Outcome] = []

            def refused() -> bool:
                late.append(project.process("status"))
                return late[-1].code == 5

            until(refused, "nobody new is let in")
            assert "shutting down" in late[-1].err
            held.close()
            outcome = ended(runner)
    assert outcome.code == 0, outcome.text
    until(own_server.has_ended, "the server has stopped")
    own_server.start()
    assert project.applied() == list(FIVE)


# ------------------------------------------------------------------------------------------- a standby


def test_a_standby_can_be_looked_at_and_is_not_written_to(
    own_server: OwnServer, own_project: Project, own_database: Database
) -> None:
    own_project.write_tables()
    own_project.ok("migrate", "--steps", "2")
    with standby_of(own_server) as standby:
        url = Database({**standby.conninfo, "dbname": own_database.name}).url
        until(lambda: "2 applied" in own_project.run("status", "--url", url).out, "the standby has caught up")
        refused = own_project.run("migrate", "--url", url)
        assert refused.code == 2
        assert "it is a standby" in refused.err
        assert "use the address of the primary" in refused.err
        assert own_project.run("rollback", "--url", url).code == 2
        # Given both, the one that can be written to is found.
        both = urlencode(
            {**own_database.conninfo, "host": f"{standby.folder},{own_server.folder}", "port": "5432,5432"}
        )
        own_project.ok("migrate", "--url", f"postgresql://?{both}")
    assert own_project.applied() == list(FIVE)


def test_a_failover_to_a_standby_that_stays_one_stops_the_run(
    own_server: OwnServer, own_project: Project, own_database: Database, tmp_path: Path
) -> None:
    project = own_project
    project.write_tables()
    with standby_of(own_server) as standby:
        address = tmp_path / "address"
        address.symlink_to(own_server.folder)
        project.variables["TARGET_URL"] = Database({**own_database.conninfo, "host": str(address)}).url
        with slowly(project, 1) as runner:
            until(lambda: project.has_table("users"), "the first file is applied")
            with standby.connect(own_database.name) as there:
                until(lambda: there.execute("SELECT to_regclass('users')").fetchone() != (None,), "it is copied")
            address.unlink()
            address.symlink_to(standby.folder)
            own_server.stop_immediately()
            outcome = ended(runner)
        assert outcome.code == 2, outcome.text
        assert "it is a standby" in outcome.err
        assert "Traceback" not in outcome.text
    own_server.start()
    assert project.applied() == [USERS]


def test_what_a_failover_has_lost_is_pending_again(
    own_server: OwnServer, own_project: Project, own_database: Database
) -> None:
    project = own_project
    project.write_tables()
    project.ok("migrate", "--steps", "1")
    with standby_of(own_server, {"primary_conninfo": ""}) as standby:  # it hears of nothing that comes now
        project.ok("migrate", "--steps", "1")
        assert project.applied() == [USERS, TASKS]
        own_server.stop_immediately()
        standby.promote()
        moved = project_on(Database({**standby.conninfo, "dbname": own_database.name}), project.root.parent / "moved")
        moved.write_tables()
        assert moved.status()[TASKS] == "pending"
        moved.ok("migrate")
        assert moved.applied() == list(FIVE)
        assert moved.has_table("tasks")


# ---------------------------------------------------------------------------------------- what is full


def test_a_full_disk_keeps_nothing_and_the_servers_words_are_told(
    own_server: OwnServer, own_project: Project, small_disk: Path
) -> None:
    project = own_project
    with own_server.connect() as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{small_disk}'".encode())
    try:
        project.write_tables(USERS)
        project.write(
            TASKS,
            "CREATE TABLE tasks (id integer, v text) TABLESPACE small;\n"
            "INSERT INTO tasks SELECT n, repeat('x', 1000) FROM generate_series(1, 10000) n;\n",
        )
        failed = project.run("migrate", "--json")
        assert failed.code == 1
        assert failed.json["error"]["sqlstate"] == "53100"
        assert "No space left on device" in failed.err + failed.out
        assert "nothing of it was kept" in failed.json["error"]["state"]
        assert project.applied() == [USERS]
        assert not project.has_table("tasks")
    finally:
        with own_server.connect() as connection:
            connection.execute("DROP TABLESPACE small")


@pytest.fixture(scope="module")
def scarce_server() -> Iterator[OwnServer]:
    """Return a server with room for few locks and few sessions."""
    need_embedded()
    scarce = {"max_connections": "8", "superuser_reserved_connections": "0", "max_locks_per_transaction": "10"}
    with own_server_in_its_folder({**scarce, "max_prepared_transactions": "0"}) as server:
        yield server


@pytest.fixture
def scarce_project(scarce_server: OwnServer, tmp_path: Path) -> Iterator[Project]:
    name = f"scarce_{os.urandom(4).hex()}"
    with scarce_server.connect() as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    yield project_on(Database({**scarce_server.conninfo, "dbname": name}), tmp_path / "project")
    with scarce_server.connect() as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def test_a_file_that_needs_more_locks_than_there_are_says_what_helps(scarce_project: Project) -> None:
    project = scarce_project
    project.write_tables(USERS)
    project.write(TASKS, "".join(f"CREATE TABLE t{n} (id integer);\n" for n in range(3000)))
    failed = project.run("migrate", "--json")
    assert failed.code == 1
    error = failed.json["error"]
    assert error["sqlstate"] == "53200"
    assert "max_locks_per_transaction" in str(error)
    assert "split the file" in error["hint"]
    assert project.applied() == [USERS]
    assert not project.has_table("t0")


def sessions_that_fill(server: OwnServer, stack: ExitStack) -> list[psycopg.Connection]:
    """Open sessions until the server takes no more."""
    taken = []
    while True:
        try:
            taken.append(stack.enter_context(server.connect()))
        except psycopg.OperationalError:
            return taken


def test_a_server_without_a_free_session_is_tried_again_for_a_while(
    scarce_server: OwnServer, scarce_project: Project
) -> None:
    project = scarce_project
    project.write_tables()
    with ExitStack() as stack:
        sessions_that_fill(scarce_server, stack)
        full = project.process("migrate")
        assert full.code == 5
        assert "too many clients" in full.err
        assert full.out == ""
        taken = sessions_that_fill(scarce_server, stack)
        assert not taken, "the runner has left no session behind"
        with project.start("migrate") as runner:
            until(lambda: "too many clients" in scarce_server.log(), "it was refused")
            stack.close()
            outcome = ended(runner)
    assert outcome.code == 0, outcome.text
    assert project.applied() == list(FIVE)


# -------------------------------------------------------------------------------------------- time limits


def test_a_transaction_timeout_is_named(postgres_project: Project) -> None:
    project = postgres_project
    ((version,),) = project.rows("SELECT current_setting('server_version_num')::integer")
    if version < 170000:
        pytest.skip("transaction_timeout came with PostgreSQL 17")
    in_the_second_file(project)
    project.rows(f"ALTER DATABASE \"{project.database}\" SET transaction_timeout = '1500ms'")
    told_and_kept_nothing(project.run("migrate"), 5, "transaction timeout")
    assert project.applied() == [USERS]
    assert not project.has_table("tasks")


@pytest.mark.e2e
def test_no_transaction_is_open_while_a_person_is_asked(postgres_project: Project) -> None:
    project = postgres_project
    project.rows(f'ALTER DATABASE "{project.database}" SET idle_in_transaction_session_timeout = 1')
    project.write_tables()
    with terminal(project, "migrate", "--env", "production") as child:
        child.expect_exact("Type the database's name to go on: ")
        assert backends(project, "state = 'idle' AND xact_start IS NULL")
        assert not backends(project, "xact_start IS NOT NULL")
        child.sendline(project.database)
        text = rest(child)
    assert child.exitstatus == 0, text
    assert project.applied() == list(FIVE)


# ----------------------------------------------------------------------------------- much, and once too often


def test_a_table_of_a_thousand_partitions_is_changed_and_changed_back(postgres_project: Project) -> None:
    project = postgres_project
    project.write(
        USERS,
        "CREATE TABLE users (id integer) PARTITION BY RANGE (id);\n"
        "DO $$ BEGIN FOR n IN 0..999 LOOP EXECUTE format('CREATE TABLE users_%s PARTITION OF users FOR VALUES"
        " FROM (%s) TO (%s)', n, n, n + 1); END LOOP; END $$;\n",
    )
    project.write(TASKS, "ALTER TABLE users ADD COLUMN name text;\n", "ALTER TABLE users DROP COLUMN name;\n")
    project.ok("migrate")
    column = "SELECT count(*) FROM pg_attribute WHERE attname = 'name' AND attrelid::regclass::text LIKE 'users%'"
    assert project.rows(column) == [(1001,)]
    project.ok("rollback", "--name", TASKS)
    assert project.rows(column) == [(0,)]
    assert project.applied() == [USERS]


def test_a_database_that_is_there_already_is_told_by_its_sqlstate(postgres_project: Project) -> None:
    project = postgres_project
    project.write(USERS, f'-- migrate: no-transaction\nSELECT 1;\nCREATE DATABASE "{project.database}";\n')
    failed = project.run("migrate", "--json")
    assert failed.code == 1
    assert failed.json["error"]["sqlstate"] == "42P04"
    assert "1 of its 2 statements was kept" in failed.json["error"]["state"]
