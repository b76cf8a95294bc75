"""Questions of our own that the server refuses: an error with its reason and an exit code, and no traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from migration_manager.engines.base import SessionSettings
from migration_manager.engines.postgres_leftovers import leftovers_of
from migration_manager.engines.postgres_session import Session
from migration_manager.engines.postgres_wire import Refused
from migration_manager.errors import ConfigError, SqlFailed
from tests.fixtures.cli import TASKS, USERS, Project, call
from tests.fixtures.postgres import Database
from tests.fixtures.targets import PostgresTarget

pytestmark = pytest.mark.postgres

HEADER = "-- migrate: no-transaction\n"
LOCKING = "EXECUTE ON FUNCTION pg_catalog.pg_try_advisory_lock(bigint)"
LOCKS = "SELECT ON pg_catalog.pg_locks"
PROGRESS = "SELECT ON pg_catalog.pg_stat_progress_create_index"


@pytest.fixture
def humble(postgres_project: Project) -> Iterator[Project]:
    """Return a project whose login has no privileges but those on its own database, and is no superuser."""
    project = postgres_project
    assert isinstance(project.target, PostgresTarget)
    login = f"humble_{project.database}"
    project.rows(f"CREATE ROLE {login} LOGIN PASSWORD 'x'")
    project.rows(f"GRANT ALL ON DATABASE {project.database} TO {login}")
    project.rows(f"GRANT ALL ON SCHEMA public TO {login}")
    project.variables["TARGET_URL"] = Database({**project.target.database.conninfo, "user": login, "password": "x"}).url
    yield project
    project.rows(f"DROP OWNED BY {login}")
    project.rows(f"DROP ROLE {login}")


@contextmanager
def session_of(project: Project) -> Iterator[Session]:
    """Open a session of the project's login, on a database that has a history."""
    project.write_tables(TASKS)
    project.ok("migrate")
    assert isinstance(project.target, PostgresTarget)
    conninfo = {**project.target.database.conninfo, "user": f"humble_{project.database}", "password": "x"}
    with closing(Session(conninfo, SessionSettings(), shown=None, writes=True)) as session:
        yield session


def refused(project: Project, *typed: str) -> str:
    """See that a command ends in order with exit 2; returns what it said."""
    outcome = call(typed, folder=project.root, environment=project.environment())
    assert outcome.code == 2, outcome.text
    assert "Traceback" not in outcome.text
    assert "the database user may not do this: permission denied" in outcome.err
    return outcome.err


def test_taking_the_lock(humble: Project) -> None:
    humble.write_tables(USERS)
    humble.rows(f"REVOKE {LOCKING} FROM PUBLIC")
    assert "pg_try_advisory_lock" in refused(humble, "migrate")
    assert humble.applied() == []


def test_looking_who_has_the_lock(humble: Project) -> None:
    humble.write_tables(USERS)
    humble.ok("migrate")
    humble.write_tables(TASKS)
    humble.rows(f"REVOKE {LOCKS} FROM PUBLIC")
    with humble.target.child("hold") as holder:
        assert "pg_locks" in refused(humble, "migrate", "--lock-wait", "0s")
        holder.go()
        holder.hears()
    assert humble.applied() == [USERS]


def test_looking_whether_the_lock_is_still_there(humble: Project) -> None:
    humble.write(USERS, HEADER + "CREATE TABLE users (id integer);\n")
    humble.rows(f"REVOKE {LOCKS} FROM PUBLIC")
    assert "pg_locks" in refused(humble, "migrate")
    assert humble.rows_of_history() == []


def test_looking_what_was_there_before_a_file(humble: Project) -> None:
    humble.write(USERS, HEADER + "CREATE TABLE users (id integer);\n")
    humble.rows(f"REVOKE {PROGRESS} FROM PUBLIC")
    assert "pg_stat_progress_create_index" in refused(humble, "migrate")
    assert humble.rows_of_history() == []


def test_looking_what_a_file_left_behind(humble: Project) -> None:
    with session_of(humble) as session:
        humble.rows(f"REVOKE {PROGRESS} FROM PUBLIC")
        with pytest.raises(ConfigError, match="pg_stat_progress_create_index"):
            leftovers_of(session, USERS)
        assert session.ask("SELECT 1") == [[("1",)]], "no transaction is left open"


def test_reading_texts_as_ours_again(humble: Project) -> None:
    with session_of(humble) as session:
        session.wire.send(["SET client_encoding TO 'LATIN1'"])
        session.wire.send(["BEGIN"])
        with pytest.raises(Refused):
            session.wire.send(["SELECT 1 / 0"])
        with pytest.raises(SqlFailed, match="current transaction is aborted"):
            session.read_as_ours()
        session.read_as_ours()
        assert session.wire.encoding == "utf-8"
