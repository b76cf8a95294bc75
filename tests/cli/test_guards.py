"""Guards: protected environments, the environment a database says it is, other tools' histories."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from migration_manager.cli import confirmation
from tests.fixtures.cli import FIVE, TAGS, USERS, Project, on_sqlite

CHANGING = [
    ["migrate"],
    ["migrate", "--yes"],
    ["migrate", "--json"],
    ["rollback"],
    ["rollback", "--name", USERS, "--yes"],
    ["baseline", "--all"],
    ["forget", "--name", USERS],
    ["repair", "--all", "--reason", "x"],
]


@pytest.fixture
def production(project: Project) -> Project:
    """Return a project whose production has two of five applied, one of them changed."""
    project.write_tables()
    project.ok("migrate", "--steps", "2", "--env", "production", "--yes", "--confirm", project.database)
    project.file(USERS).write_text("-- typo\n" + project.file(USERS).read_text())
    project.ok("repair", "--all", "--reason", "x", "--env", "production", "--yes", "--confirm", project.database)
    return project


def confirmed(project: Project) -> tuple[str, ...]:
    return ("--env", "production", "--yes", "--confirm", project.database)


# ----------------------------------------------------------------------------------------- protected


@pytest.mark.parametrize("name", ["production", "prod", "Production"])
@on_sqlite
def test_an_environment_of_that_name_is_always_protected(project: Project, name: str) -> None:
    project.configure(f'default_environment = "{name}"\n[environments.{name}]\nurl = "${{TARGET_URL}}"\n')
    project.write_tables()
    project.refuses(6, "migrate")


def test_migrate_production_with_nobody_to_ask_exits_6_at_once_and_writes_nothing(project: Project) -> None:
    project.write_tables()
    began = time.monotonic()
    outcome = project.refuses(6, "migrate", "--env", "production")
    assert time.monotonic() - began < 5
    assert f"--yes --confirm {project.database}" in outcome.err
    assert "nothing was changed" in outcome.err


@pytest.mark.parametrize("typed", CHANGING, ids=" ".join)
def test_no_command_changes_production_without_its_name(production: Project, typed: list[str]) -> None:
    if typed[0] == "repair":
        production.file(USERS).write_text("-- another\n" + production.file(USERS).read_text())
    production.refuses(6, *typed, "--env", "production")


def test_migrate_production_with_yes_and_the_databases_name_runs(project: Project) -> None:
    project.write_tables()
    project.ok("migrate", *confirmed(project))
    assert project.applied() == list(FIVE)


@pytest.mark.parametrize("change", [str.upper, lambda name: name[:-1], lambda _: "", lambda _: "yes"])
@on_sqlite
def test_migrate_production_with_a_wrong_name_is_refused(project: Project, change: Callable[[str], str]) -> None:
    project.write_tables()
    wrong = change(project.database)
    outcome = project.refuses(6, "migrate", "--env", "production", "--yes", "--confirm", wrong)
    assert project.database in outcome.err


def test_production_with_nothing_to_do_asks_nothing(project: Project) -> None:
    project.write_tables()
    project.ok("migrate", *confirmed(project))
    assert "nothing to do" in project.refuses(0, "migrate", "--env", "production").out


def test_looking_at_production_asks_nothing(production: Project) -> None:
    for command in ("status", "history", "verify", "config"):
        production.refuses(0, command, "--env", "production")


def test_a_typed_name_is_compared_with_what_the_server_says(project: Project) -> None:
    project.write_tables()
    outcome = project.run("migrate", "--env", "production", answer=project.database + "\n")
    assert outcome.code == 0, outcome.text
    for fact in ("production is protected", project.database, "5 files", *FIVE, "to be applied"):
        assert fact in outcome.err
    if project.on_postgres:
        assert "primary" in outcome.err
        assert project.rows("SELECT current_user")[0][0] in outcome.err


@pytest.mark.parametrize("answer", ["no\n", "\n", "", "y\n", "yes\n", "production\n"])
@on_sqlite
def test_any_other_answer_refuses_and_writes_nothing(project: Project, answer: str) -> None:
    project.write_tables()
    before = project.everything()
    outcome = project.run("migrate", "--env", "production", answer=answer)
    assert outcome.code == 6
    assert "not confirmed" in outcome.err
    assert project.everything() == before


def test_the_confirmation_tells_what_a_rollback_will_do(production: Project) -> None:
    outcome = production.run("rollback", "--all", "--env", "production", answer="no\n")
    assert "to be rolled back" in outcome.err
    assert "stamped  production" in outcome.err
    assert production.rows_of_history(), "refused"


def test_state_changed_while_the_prompt_was_open_shows_the_new_plan_and_asks_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write_tables()
    asked: list[int] = []
    really = confirmation.ask_for_name

    def ask(*arguments: object) -> None:
        asked.append(len(project.applied()))
        if len(asked) == 1:  # somebody else migrates while we look at the question
            with monkeypatch.context() as other:
                other.setattr(confirmation, "ask_for_name", really)
                project.ok("migrate", "--steps", "2", *confirmed(project))

    monkeypatch.setattr(confirmation, "ask_for_name", ask)
    outcome = project.run("migrate", "--env", "production", answer="anything")
    assert outcome.code == 0, outcome.text
    assert asked == [0, 2]
    assert "5 files" in outcome.err
    assert "the database changed meanwhile" in outcome.err
    assert "3 files" in outcome.err
    assert project.applied() == list(FIVE)
    assert len(project.log("action")) == 6, "a stamp and five, each once"


def test_everything_done_by_another_while_the_prompt_was_open_leaves_nothing_to_do(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write_tables()
    really = confirmation.ask_for_name

    def ask(*arguments: object) -> None:
        with monkeypatch.context() as other:
            other.setattr(confirmation, "ask_for_name", really)
            project.ok("migrate", *confirmed(project))

    monkeypatch.setattr(confirmation, "ask_for_name", ask)
    outcome = project.run("migrate", "--env", "production", answer="anything")
    assert outcome.code == 0, outcome.text
    assert "another run has done it meanwhile" in outcome.err
    assert len(project.log("action")) == 6


def test_a_warning_of_the_plan_stands_in_the_confirmation(project: Project) -> None:
    project.write_tables()
    project.ok("migrate", *confirmed(project))
    outcome = project.run("rollback", "--name", TAGS, "--env", "production", answer="no\n")
    assert "--cascade" in outcome.err


# ------------------------------------------------------------------------------------------ identity


@pytest.mark.parametrize("typed", [["migrate"], ["rollback"], ["status"], ["verify"], ["baseline", "--all"],
                                   ["forget", "--name", USERS], ["migrate", "--dry-run"]], ids=" ".join)  # fmt: skip
def test_uat_with_a_database_stamped_production_exits_6_and_writes_nothing(
    production: Project, typed: list[str]
) -> None:
    outcome = production.refuses(6, *typed, "--env", "uat")
    assert "production" in outcome.err
    assert "uat" in outcome.err
    assert "--accept-identity" in outcome.err


def test_accept_identity_restamps_and_logs_it(production: Project) -> None:
    production.refuses(6, "migrate", "--env", "uat", "--accept-identity")
    confirming = ("--yes", "--confirm", production.database)
    outcome = production.ok("migrate", "--env", "uat", "--accept-identity", *confirming)
    assert "uat from now on" in outcome.err
    assert ("stamp", "done", "uat") in production.log("action", "outcome", "environment")
    (reason,) = {row[1] for row in production.log("environment", "reason", "action") if row[2] == "stamp" and row[1]}
    assert "production" in reason
    production.refuses(6, "status", "--env", "production")
    assert production.status("--env", "uat") == dict.fromkeys(FIVE, "applied")


def test_accept_identity_restamps_where_nothing_is_pending(project: Project) -> None:
    project.write_tables()
    project.ok("migrate", *confirmed(project))
    project.refuses(6, "migrate", "--env", "uat", "--accept-identity")
    project.ok("migrate", "--env", "uat", "--accept-identity", "--yes", "--confirm", project.database)
    project.ok("status", "--env", "uat")


def test_accept_identity_does_not_go_round_the_guard_of_production(project: Project) -> None:
    project.write_tables()
    project.ok("migrate", "--env", "uat")
    project.refuses(6, "migrate", "--env", "production", "--accept-identity")
    project.refuses(6, "rollback", "--env", "production", "--accept-identity")


def test_accept_identity_of_a_dry_run_stamps_nothing(production: Project) -> None:
    production.refuses(0, "migrate", "--env", "uat", "--accept-identity", "--dry-run")


def test_the_identity_is_stamped_once(project: Project) -> None:
    project.write_tables()
    for _ in range(3):
        project.ok("migrate", "--steps", "1")
    assert [row for row in project.log("action") if row == ("stamp",)] == [("stamp",)]


# ------------------------------------------------------------------------------------ other tools

FOREIGN = {
    "dbmate": "CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY)",
    "golang-migrate": "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)",
    "Rails": "CREATE TABLE schema_migrations (version varchar NOT NULL PRIMARY KEY)",
}


@pytest.mark.parametrize("tool", FOREIGN)
@pytest.mark.parametrize(
    "typed",
    [["migrate"], ["migrate", "--dry-run"], ["status"], ["rollback"], ["history"], ["verify"], ["baseline", "--all"]],
    ids=" ".join,
)
def test_another_tools_history_is_named_left_alone_and_exits_4(
    sqlite_project: Project, tool: str, typed: list[str]
) -> None:
    check_foreign(sqlite_project, tool, typed)


@pytest.mark.postgres
@pytest.mark.parametrize("tool", FOREIGN)
@pytest.mark.parametrize("typed", [["migrate"], ["status"]], ids=" ".join)
def test_another_tools_history_in_postgresql(postgres_project: Project, tool: str, typed: list[str]) -> None:
    check_foreign(postgres_project, tool, typed)


def check_foreign(project: Project, tool: str, typed: list[str]) -> None:
    project.rows(FOREIGN[tool])
    project.rows(f"INSERT INTO schema_migrations VALUES (20240101000000{', false' if tool[0] == 'g' else ''})")
    project.write_tables()
    outcome = project.refuses(4, *typed)
    assert tool in outcome.err
    assert "history_table" in outcome.err


def test_another_table_name_stands_beside_another_tools_history(project: Project) -> None:
    project.rows(FOREIGN["dbmate"])
    project.set("dev", history_table="our_migrations")
    project.write_tables()
    project.ok("migrate")
    assert project.rows("SELECT count(*) FROM our_migrations") == [(5,)]
    assert project.rows("SELECT count(*) FROM schema_migrations") == [(0,)]
    assert set(project.status().values()) == {"applied"}
