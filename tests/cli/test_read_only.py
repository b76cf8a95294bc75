"""Commands that only look write nothing, and need no right to write (DESIGN 6)."""

from __future__ import annotations

import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import sql

from tests.fixtures.cli import FIVE, TAGS, USERS, Project, call, on_sqlite, plain_environment

LOOKING = [
    ["status"],
    ["status", "--json"],
    ["status", "--check"],
    ["status", "--all-environments"],
    ["history"],
    ["verify"],
    ["config"],
    ["migrate", "--dry-run"],
    ["rollback", "--dry-run"],
    ["rollback", "--all", "--dry-run", "--json"],
    ["baseline", "--all", "--dry-run"],
    ["repair", "--all", "--dry-run"],
    ["plan"],
    ["plan", "--json"],
    ["plan", "--out", "-"],
    ["dump"],
    ["dump", "--json"],
    ["db", "url"],
    ["db", "wait"],
]


@pytest.mark.parametrize("typed", LOOKING, ids=" ".join)
def test_looking_at_an_empty_database_writes_nothing(project: Project, typed: list[str]) -> None:
    project.write_tables()
    before = project.everything()
    outcome = project.run(*typed)
    assert outcome.code in (0, 3), outcome.text
    assert project.everything() == before


@pytest.mark.parametrize("typed", LOOKING, ids=" ".join)
def test_looking_at_a_history_writes_nothing(applied: Project, typed: list[str]) -> None:
    applied.write_tables("20250201_100000_create_more")
    before = applied.everything()
    outcome = applied.run(*typed)
    assert outcome.code in (0, 3), outcome.text
    assert applied.everything() == before


@on_sqlite
def test_forget_as_a_dry_run_writes_nothing(applied: Project) -> None:
    applied.refuses(0, "forget", "--name", TAGS, "--dry-run")


@pytest.mark.parametrize(
    "typed",
    [
        ["status"],
        ["status", "--check"],
        ["history"],
        ["verify"],
        ["config"],
        ["migrate", "--dry-run"],
        ["rollback", "--dry-run"],
    ],
    ids=" ".join,
)
def test_without_any_configuration_looking_makes_no_folder_and_starts_no_server(
    tmp_path: Path, typed: list[str]
) -> None:
    (tmp_path / "migrations").mkdir()
    outcome = call(typed, folder=tmp_path, environment=plain_environment())
    assert outcome.code == 0, outcome.text
    assert [path.name for path in tmp_path.iterdir()] == ["migrations"]


# ------------------------------------------------------------------------- a role that may only read


@pytest.fixture
def reader(postgres_project: Project) -> Iterator[str]:
    """Yield a role that may read what is there after the first two migrations, and nothing else."""
    name = f"reader_{secrets.token_hex(6)}"
    postgres_project.write_tables()
    postgres_project.ok("migrate", "--steps", "4")
    role = sql.Identifier(name).as_string()
    owner = postgres_project.target
    owner.rows(f"CREATE ROLE {role}")
    owner.rows(f"GRANT USAGE ON SCHEMA public TO {role}")
    owner.rows(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    yield name
    owner.rows(f"DROP OWNED BY {role}")
    owner.rows(f"DROP ROLE {role}")


@pytest.mark.postgres
@pytest.mark.parametrize("typed", LOOKING, ids=" ".join)
def test_looking_needs_no_more_than_select(postgres_project: Project, reader: str, typed: list[str]) -> None:
    postgres_project.set("dev", role=reader)
    before = postgres_project.everything()
    outcome = postgres_project.run(*typed)
    assert outcome.code in (0, 3), outcome.text
    assert postgres_project.everything() == before


@pytest.mark.postgres
def test_a_role_that_was_given_the_older_tables_sees_all_but_how_far_a_script_came(
    postgres_project: Project, reader: str
) -> None:
    project = postgres_project
    project.write(FIVE[4], "-- migrate: no-transaction\nSELECT 1;\nSELECT 1 / 0;\n")
    assert project.run("migrate").code == 1
    assert "statement 2 of 2 failed" in project.ok("status").out
    project.rows(f'REVOKE ALL ON schema_migrations_progress FROM "{reader}"')
    project.set("dev", role=reader)
    for typed in LOOKING:
        outcome = project.run(*typed)
        assert outcome.code in (0, 3, 4), outcome.text
    shown = project.ok("status").out
    assert "unfinished" in shown
    assert "statement 2" not in shown


@pytest.mark.postgres
def test_a_role_that_may_only_read_is_told_which_grant_helps(postgres_project: Project, reader: str) -> None:
    postgres_project.set("dev", role=reader)
    outcome = postgres_project.run("migrate")
    assert outcome.code == 2, outcome.text
    assert "GRANT" in outcome.err
    assert postgres_project.applied() == list(FIVE[:4])


# ------------------------------------------------------------------------------------- a SQLite file


def test_a_sqlite_file_without_write_permission_can_be_looked_at(sqlite_project: Project) -> None:
    sqlite_project.write_tables()
    sqlite_project.ok("migrate", "--steps", "2")
    path = sqlite_project.target.path  # type: ignore[attr-defined]
    path.chmod(stat.S_IRUSR)
    path.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        before = sqlite_project.everything()
        for typed in (["status"], ["history"], ["verify"], ["migrate", "--dry-run"]):
            sqlite_project.ok(*typed)
        assert sqlite_project.everything() == before
    finally:
        path.parent.chmod(stat.S_IRWXU)
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)


def test_a_sqlite_file_that_is_not_there_is_not_made_by_looking(sqlite_project: Project) -> None:
    sqlite_project.write_tables()
    assert sqlite_project.status()[USERS] == "pending"
    assert not sqlite_project.target.path.exists()  # type: ignore[attr-defined]
