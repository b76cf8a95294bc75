"""`blockers`: who is in the way, for somebody who has no part in it; and ending a session, after asking."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.fixtures.cli import TASKS, USERS, Project, backends, ended, on_sqlite, until
from tests.fixtures.postgres import Database
from tests.fixtures.targets import PostgresTarget
from tests.fixtures.terminal import rest, terminal

pg = pytest.mark.postgres


def database_of(project: Project) -> Database:
    assert isinstance(project.target, PostgresTarget)
    return project.target.database


@pytest.fixture
def held(postgres_project: Project) -> Project:
    """Return a project with a table and a migration that changes it, and all the patience to wait for it."""
    postgres_project.write_tables(USERS)
    postgres_project.ok("migrate")
    postgres_project.variables["MIGRATION_MANAGER_LOCK_TIMEOUT"] = "1min"
    postgres_project.write(TASKS, "ALTER TABLE users ADD name text;\n")
    return postgres_project


@contextmanager
def report(project: Project) -> Iterator[psycopg.Connection]:
    """Have a session that has read the table and keeps its transaction open."""
    conninfo: dict[str, Any] = {**database_of(project).conninfo, "application_name": "report"}
    connection = psycopg.connect("", autocommit=True, **conninfo)
    try:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM users")
        yield connection
    finally:
        connection.close()


@pg
def test_it_shows_the_run_what_it_waits_for_and_who_is_in_the_way(held: Project) -> None:
    with report(held) as other, held.start("migrate") as runner:
        until(lambda: backends(held, "wait_event_type = 'Lock'"), "it waits")
        pid, user = other.info.backend_pid, other.info.user
        shown = held.ok("blockers").out
        document = held.ok("blockers", "--json").json
        other.execute("COMMIT")
        assert ended(runner).code == 0
    assert re.search(rf"  running  pid \d+ \(migration_manager dev, {user}\) active for \d", shown), shown
    assert re.search(r"           waits for lock on users for \d", shown)
    assert re.search(rf"           blocked by pid {pid} \(report, {user}\) idle in transaction for \d", shown)
    assert "last: SELECT count(*) FROM users" in shown
    (run,) = document["running"]
    assert run["waits"]["on"] == "users"
    assert run["waits"]["mode"] == "AccessExclusiveLock"
    assert [one["pid"] for one in run["waits"]["blocked_by"]] == [pid]
    assert run["waits"]["queued"] == 0
    assert document["open_transactions"][0]["holds_locks_on"] == ["users"]


@pg
def test_without_a_run_it_shows_who_waits_for_whom_and_the_open_transactions(held: Project) -> None:
    with report(held) as other, database_of(held).connect() as waiter:
        waiter.execute("SET application_name = 'psql'")
        waiting, pid = waiter.info.backend_pid, other.info.backend_pid
        thread = threading.Thread(target=waiter.execute, args=("ALTER TABLE users ADD x integer",))
        thread.start()
        until(lambda: held.rows(f"SELECT 1 FROM pg_locks WHERE NOT granted AND pid = {waiting}"), "it waits")
        shown = held.ok("blockers").out
        other.execute("COMMIT")
        thread.join()
    assert "no run is in progress." in shown
    assert re.search(rf"  waiting  pid {waiting} \(psql, \w+\) active for", shown), shown
    assert f"blocked by pid {pid} (report" in shown
    assert "open transactions that a migration may have to wait for, oldest first:" in shown
    assert re.search(rf"  pid {pid} \(report.*; its transaction is .* old; has locked users\n", shown)


@pg
def test_where_nobody_is_in_the_way_it_says_so_and_writes_nothing(held: Project) -> None:
    before = held.everything()
    assert "no run is in progress, nobody waits for a lock" in held.ok("blockers").out
    assert held.ok("blockers", "--json").json["open_transactions"] == []
    assert held.everything() == before


@pg
def test_it_works_before_there_is_a_history(postgres_project: Project) -> None:
    assert "no run is in progress" in postgres_project.ok("blockers").out
    assert not postgres_project.has_table("schema_migrations")


@pg
def test_it_works_for_an_embedded_database_that_was_never_made(postgres_project: Project) -> None:
    assert "no run is in progress" in postgres_project.ok("blockers", "--url", "embedded:nowhere").out
    assert not (postgres_project.root / "nowhere").exists()


@pg
@pytest.mark.parametrize("how", ["flag", "key"])
def test_queries_can_be_hidden(held: Project, how: str) -> None:
    if how == "key":
        held.set("dev", show_queries=False)
    with report(held):
        typed = ["--hide-queries"] if how == "flag" else []
        assert "SELECT" not in held.ok("blockers", *typed).out
        assert held.ok("blockers", "--json", *typed).json["open_transactions"][0]["query"] is None


@pg
def test_passwords_in_queries_are_not_shown(held: Project) -> None:
    with report(held) as other:
        other.execute(b"DO $$BEGIN IF false THEN ALTER ROLE nobody PASSWORD 'canary-pw'; END IF; END$$")
        outcome, document = held.ok("blockers"), held.ok("blockers", "--json")
    assert "canary" not in outcome.text + document.text
    assert "PASSWORD '***'" in outcome.out


# ---------------------------------------------------------------------------------- ending a session


@pg
def test_a_session_that_is_shown_is_ended_and_the_run_goes_on(held: Project) -> None:
    with report(held) as other, held.start("migrate") as runner:
        until(lambda: backends(held, "wait_event_type = 'Lock'"), "it waits")
        outcome = held.ok("blockers", "--terminate", str(other.info.backend_pid), "--yes")
        assert f"pid {other.info.backend_pid} has gone" in outcome.out
        assert ended(runner).code == 0
        with pytest.raises(psycopg.OperationalError):
            other.execute("SELECT 1")
    assert held.applied() == [USERS, TASKS]


@pg
def test_without_a_terminal_it_wants_yes_and_a_protected_one_the_database(held: Project) -> None:
    with report(held) as other:
        pid = str(other.info.backend_pid)
        refused = held.run("blockers", "--terminate", pid)
        assert (refused.code, "wants --yes where" in refused.err) == (6, True)
        for more in ([], ["--yes"], ["--yes", "--confirm", "another"]):
            refused = held.run("blockers", "--terminate", pid, *more, "--env", "production")
            assert refused.code == 6, refused.text
        other.execute("SELECT 1")  # it is still there
        done = held.run("blockers", "--terminate", pid, "--yes", "--confirm", held.database, "--json")
        assert done.json["terminated"] == other.info.backend_pid


@pg
def test_a_pid_that_is_not_shown_is_not_ended(held: Project) -> None:
    with database_of(held).connect() as idle:
        outcome = held.run("blockers", "--terminate", str(idle.info.backend_pid), "--yes")
        assert outcome.code == 2
        assert "is not among those that are shown" in outcome.err
        idle.execute("SELECT 1")


@pg
def test_another_session_that_has_the_pid_by_now_is_left_alone(held: Project) -> None:
    from dataclasses import replace

    with report(held) as other, held.target.open() as engine:
        (session,) = engine.activity().oldest
        assert session.pid == other.info.backend_pid
        assert engine.end_session(replace(session, started="2001-01-01 00:00:00+00")), "that one has gone long ago"
        other.execute("SELECT 1")
        assert engine.end_session(session)


@pg
def test_a_login_that_may_not_end_others_is_told_the_grant(held: Project) -> None:
    login = f"looker_{held.database}"
    held.rows(f"CREATE ROLE {login} LOGIN PASSWORD 'x'")
    held.rows(f"GRANT USAGE ON SCHEMA public TO {login}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {login}")
    database = database_of(held)
    held.variables["TARGET_URL"] = Database({**database.conninfo, "user": login, "password": "x"}).url
    try:
        with report(held) as other:
            shown = held.ok("blockers").out
            assert f'GRANT pg_read_all_stats TO "{login}";' in shown
            assert "insufficient" not in shown
            outcome = held.run("blockers", "--terminate", str(other.info.backend_pid), "--yes")
            other.execute("SELECT 1")
    finally:
        held.rows(f"DROP OWNED BY {login}; DROP ROLE {login}")
    assert outcome.code == 2, outcome.text
    assert f'GRANT pg_signal_backend TO "{login}"' in outcome.err


@pg
@pytest.mark.e2e
@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("", 6), ("n", 6)])
def test_a_person_is_asked(held: Project, answer: str, code: int) -> None:
    with report(held) as other:
        with terminal(held, "blockers", "--terminate", str(other.info.backend_pid), columns=80) as child:
            child.expect_exact("End it? [y/N] ")
            assert f"pid {other.info.backend_pid} (report" in str(child.before)
            child.sendline(answer)
            text = rest(child)
        assert child.exitstatus == code, text
        assert ("has gone" in text) is (code == 0)


@pg
@pytest.mark.e2e
def test_in_a_protected_environment_the_databases_name_is_typed(held: Project) -> None:
    held.rows("UPDATE schema_migrations_log SET environment = 'production'")
    with report(held) as other:
        typed = ["blockers", "--env", "production", "--terminate", str(other.info.backend_pid)]
        with terminal(held, *typed, columns=80) as child:
            child.expect_exact("Type the database's name to go on: ")
            child.sendline("y")
            rest(child)
        assert child.exitstatus == 6
        with terminal(held, *typed, columns=80) as child:
            child.expect_exact("Type the database's name to go on: ")
            child.sendline(held.database)
            text = rest(child)
        assert child.exitstatus == 0, text


# -------------------------------------------------------------------------------------------- SQLite


@on_sqlite
def test_sqlite_tells_who_has_the_migration_lock_and_nothing_else(project: Project) -> None:
    project.write_tables(USERS)
    before = project.everything()
    assert "no run is in progress." in project.ok("blockers").out
    assert project.everything() == before
    with project.target.child("hold") as other:
        assert f"pid {other.pid} " in project.ok("blockers").out
        assert project.ok("blockers", "--json").json["running"][0]["session"]["pid"] == other.pid
        assert project.run("blockers", "--terminate", str(other.pid), "--yes").code == 2
        other.go()
        assert other.hears() == "let go"
