"""Questions of our own that the server refuses: an error with its reason and an exit code, and no traceback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures.cli import TASKS, USERS, Project, call
from tests.fixtures.postgres import Database
from tests.fixtures.targets import PostgresTarget

pytestmark = pytest.mark.postgres

HEADER = "-- migrate: no-transaction\n"
INDEX = "CREATE UNIQUE INDEX CONCURRENTLY users_id ON users (id);\n"
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


@pytest.mark.parametrize("typed", ["migrate", "resume"])
def test_looking_what_was_left_behind(humble: Project, typed: str) -> None:
    humble.write(USERS, "CREATE TABLE users (id integer);\nINSERT INTO users VALUES (1), (1);\n")
    humble.ok("migrate")
    humble.write(TASKS, HEADER + INDEX)
    if typed == "resume":
        assert humble.run("migrate").code == 1
    humble.rows(f"REVOKE {PROGRESS} FROM PUBLIC")
    assert "pg_stat_progress_create_index" in refused(humble, typed)
    assert humble.applied() == [USERS]
