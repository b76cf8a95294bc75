"""A rollback names the later migrations on the same tables, and undoes exactly one deployment."""

from __future__ import annotations

import pytest

from tests.fixtures.cli import FILES, NOTES, TAGS, TASKS, USERS, Outcome, Project, on_sqlite

MORE = "20250106_100000_add_user_names"
OTHER = "20250107_100000_create_other"


@pytest.fixture
def entangled(project: Project) -> Project:
    """Return a project where a later migration touched the table of the first one, and another did not."""
    project.write(USERS, "CREATE TABLE users (id integer PRIMARY KEY);\n", "DROP TABLE users;\n")
    project.write(MORE, "ALTER TABLE users ADD COLUMN name text;\n", "ALTER TABLE users DROP COLUMN name;\n")
    project.write(OTHER, "CREATE TABLE other (id integer);\n", "DROP TABLE other;\n")
    project.ok("migrate")
    return project


def users(project: Project) -> str:
    return "public.users" if project.on_postgres else "users"


# -------------------------------------------------------------------------------------- the same tables


def test_a_dry_run_a_run_and_both_as_json_tell_it(entangled: Project) -> None:
    sentence = f"applied after {USERS} and touching the same tables: {MORE} ({users(entangled)})\n"
    same = [{"name": MORE, "tables": [users(entangled)]}]
    dry = entangled.refuses(0, "rollback", "--name", USERS, "--dry-run")
    assert sentence in dry.err
    assert f"and staying: {MORE}, {OTHER} (--cascade takes them too)" in dry.err
    for extra in (["--dry-run"], []):
        document = entangled.ok("rollback", "--name", USERS, "--json", *extra).json
        assert (document["touching_the_same"], document["touching_unknown"]) == (same, [])
    entangled.ok("migrate")
    assert "same tables" not in entangled.ok("rollback", "--name", OTHER).err


def test_a_run_warns_before_it_begins(entangled: Project) -> None:
    outcome = entangled.ok("rollback", "--name", USERS)
    assert f"touching the same tables: {MORE}" in outcome.err


@on_sqlite
def test_the_confirmation_of_a_protected_environment_shows_it(entangled: Project) -> None:
    entangled.set("dev", protected=True)
    outcome = entangled.run("rollback", "--name", USERS, answer="no\n")
    assert outcome.code == 6
    assert f"touching the same tables: {MORE}" in outcome.err
    assert USERS in entangled.applied()


def test_merely_later_ones_are_said_to_be_that(entangled: Project) -> None:
    outcome = entangled.ok("rollback", "--name", MORE)
    assert f"applied after {MORE} and staying, on other tables: {OTHER}" in outcome.err
    assert "same tables" not in outcome.err


def test_cascade_leaves_nothing_to_name(entangled: Project) -> None:
    document = entangled.ok("rollback", "--name", USERS, "--cascade", "--json").json
    assert (document["touching_the_same"], document["touching_unknown"]) == ([], [])
    assert all("loses data" in warning for warning in document["warnings"])


def test_of_a_baseline_nobody_says_that_it_touches_nothing(project: Project) -> None:
    project.write_tables(USERS, TASKS)
    project.ok("migrate", "--to", USERS)
    project.ok("baseline", "--name", TASKS)
    document = project.refuses(0, "rollback", "--name", USERS, "--dry-run", "--json").json
    assert (document["touching_the_same"], document["touching_unknown"]) == ([], [TASKS])
    assert f"which tables it touched is not known of {TASKS}" in project.ok("rollback", "--name", USERS).err


@pytest.mark.postgres
def test_a_table_that_was_renamed_or_dropped_since_is_still_the_same(postgres_project: Project) -> None:
    postgres_project.write(USERS, "CREATE TABLE users (id integer);\nCREATE TABLE old (id integer);\n", "SELECT 1;\n")
    postgres_project.write(TASKS, "ALTER TABLE users RENAME TO people;\n", "ALTER TABLE people RENAME TO users;\n")
    postgres_project.write(TAGS, "DROP TABLE old;\n", "CREATE TABLE old (id integer);\n")
    postgres_project.write(NOTES, "CREATE TABLE notes (id integer);\n", "DROP TABLE notes;\n")
    postgres_project.ok("migrate")
    document = postgres_project.ok("rollback", "--name", USERS, "--dry-run", "--json").json
    assert document["touching_the_same"] == [
        {"name": TASKS, "tables": ["public.people"]},
        {"name": TAGS, "tables": ["public.old"]},
    ]


@pytest.mark.postgres
def test_the_table_a_foreign_key_points_to_counts(postgres_project: Project) -> None:
    postgres_project.write(USERS, "CREATE TABLE users (id integer PRIMARY KEY);\n", "DROP TABLE users CASCADE;\n")
    postgres_project.write(TASKS, "CREATE TABLE tasks (user_id integer REFERENCES users);\n", "DROP TABLE tasks;\n")
    postgres_project.ok("migrate")
    assert f"same tables: {TASKS} (public.users)" in postgres_project.ok("rollback", "--name", USERS).err


# ------------------------------------------------------------------------------------------ the last run


def run_of(outcome: Outcome) -> str:
    return str(outcome.json["run_id"])


@pytest.fixture
def deployed(project: Project) -> tuple[Project, str]:
    """Return a project with a deployment of last week's, and its run."""
    project.write_tables(USERS, TASKS)
    return project, run_of(project.ok("migrate", "--json"))


def test_a_deployment_whose_third_file_failed_is_undone_and_nothing_else(deployed: tuple[Project, str]) -> None:
    project, _ = deployed
    project.write_tables(TAGS, NOTES, FILES)
    whole = project.file(FILES).read_text()
    project.break_file(FILES)
    failed = project.run("migrate", "--json")
    assert failed.code == 1
    run = failed.json["error"]["run_id"]
    dry = project.refuses(0, "rollback", "--last-run", "--dry-run")
    assert f"-- undoes run {run}, 2" in dry.out
    document = project.ok("rollback", "--last-run", "--json").json
    assert [each["name"] for each in document["done"]] == [NOTES, TAGS]
    assert document["undoes_run"]["run_id"] == run
    assert document["undoes_run"]["by"]
    assert project.applied() == [USERS, TASKS]
    again = project.refuses(0, "rollback", "--last-run")
    assert f"what the newest run ({run}, " in again.err
    assert "nothing to roll back" in again.out
    project.file(FILES).write_text(whole)
    project.ok("migrate")
    shown = project.ok("rollback", "--last-run").out
    assert project.applied() == [USERS, TASKS]
    assert "undone: run " in shown
    assert "UTC, by " in shown


def test_a_deployment_that_failed_at_once_does_not_undo_the_one_before(deployed: tuple[Project, str]) -> None:
    project, before = deployed
    project.write_tables(TAGS)
    project.break_file(TAGS)
    failed = project.run("migrate", "--json").json["error"]["run_id"]
    outcome = project.refuses(0, "rollback", "--last-run")
    assert f"the newest run ({failed}, " in outcome.err
    assert "left nothing applied" in outcome.err
    assert f"`rollback --run {before}`" in outcome.err
    assert "nothing to roll back" in outcome.out
    project.ok("rollback", "--run", before)
    assert project.applied() == []


def test_a_killed_deployment_does_not_undo_the_one_before(deployed: tuple[Project, str]) -> None:
    project, before = deployed
    # All that a run leaves that is killed before its first migration is committed.
    project.target.run(
        "INSERT INTO schema_migrations_log (logged_at, action, outcome, run_id, database_user, reason) "
        f"VALUES ({'CURRENT_TIMESTAMP' if project.on_postgres else repr('2025-01-01T00:00:00.000000Z')}, "
        "'run', 'started', 'KILLED', 'x', 'migrate')"
    )
    outcome = project.refuses(0, "rollback", "--last-run")
    assert "the newest run (KILLED, " in outcome.err
    assert f"`rollback --run {before}`" in outcome.err


def test_a_rollback_or_a_baseline_in_between_does_not_become_the_last_run(deployed: tuple[Project, str]) -> None:
    project, _ = deployed
    project.write_tables(TAGS, NOTES)
    project.ok("migrate", "--to", TAGS)
    project.ok("rollback", "--name", USERS)
    project.ok("baseline", "--name", USERS)
    project.ok("baseline", "--name", NOTES)
    document = project.ok("rollback", "--last-run", "--json").json
    assert [each["name"] for each in document["done"]] == [TAGS]
