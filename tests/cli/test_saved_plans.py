"""`plan -o FILE` and `migrate --plan FILE`: exactly what was reviewed, or nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from migration_manager.cli import confirmation
from tests.fixtures.cli import FILES, FIVE, NOTES, TAGS, TASKS, USERS, Project, backends, ended, on_sqlite, until
from tests.fixtures.own_projects import slowly

PLAN = "plan.json"
LATER = "20250201_100000_create_later"
BETWEEN = "20250103_110000_create_between"


@pytest.fixture
def planned(project: Project) -> Project:
    """Return a project with two of five applied, and a plan of the next two."""
    project.write_tables()
    project.ok("migrate", "--steps", "2")
    project.ok("plan", "--to", NOTES, "-o", PLAN)
    return project


def moved(project: Project, *more: str) -> str:
    """Carry out the plan, which has to be refused; returns what is said."""
    refused = project.refuses(6, "migrate", "--plan", PLAN, *more)
    assert f"the plan in {PLAN} was made for something else than is here now" in refused.err
    assert "nothing was changed" in refused.err
    return refused.err


def saved(project: Project) -> dict[str, object]:
    plan: dict[str, object] = json.loads((project.root / PLAN).read_text())
    return plan


# ---------------------------------------------------------------------------------------------- making one


def test_plan_shows_what_a_dry_run_shows_and_writes_nothing_to_the_database(planned: Project) -> None:
    (planned.root / PLAN).unlink()
    dry, shown = planned.refuses(0, "migrate", "--dry-run"), planned.refuses(0, "plan")
    assert shown.out == dry.out
    assert planned.refuses(0, "plan", "--json").json == planned.ok("migrate", "--dry-run", "--json").json
    before = planned.target.fingerprint()
    told = planned.ok("plan", "--steps", "1", "-o", PLAN)
    assert f"saved in {PLAN}\ncarry it out with: migration-manager migrate --plan {PLAN} --env dev" in told.out
    assert planned.target.fingerprint() == before
    assert planned.ok("plan", "--json", "-o", PLAN).json["plan"] == PLAN


def test_a_saved_plan_tells_what_it_is_for_and_how_it_was_made(planned: Project) -> None:
    plan = saved(planned)
    assert (plan["kind"], plan["format"], plan["environment"]) == ("migration_manager plan", 1, "dev")
    assert plan["database"]["database"] == planned.database  # type: ignore[index]
    assert plan["database"]["stamped"] == "dev"  # type: ignore[index]
    assert [step["name"] for step in plan["steps"]] == [TAGS, NOTES]  # type: ignore[attr-defined]
    assert [row["name"] for row in plan["history"]] == [USERS, TASKS]  # type: ignore[attr-defined]
    assert plan["left"] == [FILES]
    assert plan["made_by"]
    assert str(plan["made_at"]).endswith("+00:00")


def test_a_plan_goes_through_a_pipe(planned: Project) -> None:
    told = planned.ok("plan", "--to", NOTES, "-o", "-")
    assert told.err == ""
    same = {**saved(planned), "made_at": None}
    assert {**told.json, "made_at": None} == same


@pytest.mark.postgres
def test_a_saved_plan_has_no_secret(postgres_project: Project) -> None:
    project = postgres_project
    canary = "c4naryBird7Kq2"
    if "@" not in project.url or ":" in project.url.partition("//")[2].partition("@")[0]:
        pytest.skip("the server of this run wants its own password")
    project.variables["TARGET_URL"] = project.url.replace("@", f":{canary}@", 1)
    project.write(USERS, f"SELECT 'password={canary}';\n")
    project.ok("plan", "-o", PLAN)
    assert canary not in (project.root / PLAN).read_text()
    assert canary not in project.ok("plan", "-o", "-").text


# ------------------------------------------------------------------------------------------ carrying it out


def test_exactly_the_plan_is_carried_out_and_what_is_newer_stays_pending(planned: Project) -> None:
    planned.write_tables(LATER)
    told = planned.ok("migrate", "--plan", PLAN)
    assert f"not in the plan, and staying pending: {LATER}" in told.err
    assert planned.applied() == [USERS, TASKS, TAGS, NOTES]
    assert planned.ok("migrate").code == 0


def test_a_plan_that_was_carried_out_is_nothing_to_do_and_names_the_run(planned: Project) -> None:
    run = planned.ok("migrate", "--plan", PLAN, "--json").json["run_id"]
    again = planned.refuses(0, "migrate", "--plan", PLAN)
    assert again.out == f"nothing to do: the plan was carried out by run {run}.\n"
    assert planned.refuses(0, "migrate", "--plan", PLAN, "--dry-run").out == again.out
    planned.ok("migrate")
    assert f"{FILES} was applied since" in moved(planned)


def test_a_plan_of_nothing_is_nothing_to_do(applied: Project) -> None:
    applied.ok("plan", "-o", PLAN)
    assert "nothing to do: the plan has no migration." in applied.refuses(0, "migrate", "--plan", PLAN).out
    applied.ok("rollback")
    assert f"{FILES} was applied, and is not any more" in moved(applied)


def test_a_plan_may_be_looked_at_and_is_checked_by_that(planned: Project) -> None:
    shown = planned.refuses(0, "migrate", "--plan", PLAN, "--dry-run")
    assert "dry run: 2 migrations would be applied" in shown.out
    planned.file(TAGS).write_text("SELECT 1;\n")
    moved(planned, "--dry-run")


def test_atomic_is_a_part_of_the_plan(project: Project) -> None:
    project.write_tables(USERS, TASKS)
    project.ok("plan", "--atomic", "-o", PLAN)
    project.rows("CREATE TABLE tasks (id integer)")
    assert project.run("migrate", "--plan", PLAN).code == 1
    assert project.applied() == []
    project.rows("DROP TABLE tasks")
    project.ok("migrate", "--plan", PLAN)
    assert project.applied() == [USERS, TASKS]


def test_a_plan_that_failed_half_way_has_moved_and_is_made_anew(planned: Project) -> None:
    planned.rows("CREATE TABLE notes (id integer)")
    assert planned.run("migrate", "--plan", PLAN).code == 1
    assert planned.applied() == [USERS, TASKS, TAGS]
    assert f"{TAGS} was applied since" in moved(planned)
    planned.rows("DROP TABLE notes")
    planned.ok("plan", "--to", NOTES, "-o", PLAN)
    planned.ok("migrate", "--plan", PLAN)


@on_sqlite
def test_the_policy_on_late_ones_is_a_part_of_the_plan(project: Project) -> None:
    project.set("dev", out_of_order="refuse")
    project.write_tables(USERS, TAGS)
    project.ok("migrate")
    project.write_tables(TASKS)
    project.refuses(6, "plan", "-o", PLAN)
    project.ok("plan", "--out-of-order", "allow", "-o", PLAN)
    project.ok("migrate", "--plan", PLAN)
    assert set(project.applied()) == {USERS, TASKS, TAGS}


# ------------------------------------------------------------------------------------------ what has moved


def test_a_changed_file_is_refused(planned: Project) -> None:
    planned.file(TAGS).write_text("CREATE TABLE tags (id integer, name text);\n")
    assert f"{TAGS} changed: v1:" in moved(planned)


def test_a_comment_counts_as_well(planned: Project) -> None:
    planned.file(TAGS).write_text("-- reviewed\n" + planned.file(TAGS).read_text())
    assert f"{TAGS} changed: v1:" in moved(planned)


def test_a_changed_rollback_script_is_refused(planned: Project) -> None:
    planned.rollback_file(NOTES).write_text("SELECT 1;\n")
    assert f"the rollback script of {NOTES} changed" in moved(planned)
    planned.rollback_file(NOTES).unlink()
    assert f"the rollback script of {NOTES} is gone" in moved(planned)


def test_a_file_that_is_gone_and_one_that_comes_between_are_both_named(planned: Project) -> None:
    planned.delete(NOTES)
    planned.write_tables(BETWEEN)
    said = moved(planned)
    assert f"the file of {NOTES} is gone" in said
    assert f"{BETWEEN} is new, and would come before {NOTES}" in said


def test_a_history_that_moved_is_refused_whichever_way(planned: Project) -> None:
    planned.ok("migrate", "--steps", "1")
    assert f"{TAGS} was applied since, by run" in moved(planned)
    planned.ok("rollback", "--steps", "2")
    assert f"{TASKS} was applied, and is not any more" in moved(planned)
    planned.ok("migrate", "--to", TASKS)
    assert f"{TASKS} was applied again, by run" in moved(planned)


def test_an_accepted_checksum_is_a_move(planned: Project) -> None:
    planned.file(USERS).write_text("-- the owners\n" + planned.file(USERS).read_text())
    planned.ok("repair", "--name", USERS, "--reason", "a comment")
    assert f"{USERS} has another checksum in the history" in moved(planned)


def test_another_environment_is_refused(project: Project) -> None:
    project.write_tables(USERS)
    project.ok("plan", "-o", PLAN)
    assert "it was made for the environment dev, and this is uat" in moved(project, "--env", "uat")


@pytest.mark.postgres
def test_another_database_is_refused(postgres_project: Project, tmp_path: Path) -> None:
    postgres_project.write_tables(USERS)
    postgres_project.ok("plan", "-o", PLAN)
    other = postgres_project.url.replace(postgres_project.database, "template1")
    refused = postgres_project.refuses(6, "migrate", "--plan", PLAN, "--url", other)
    assert f"it was made for the database {postgres_project.database}, and this is template1" in refused.err


def test_another_sqlite_file_is_refused(sqlite_project: Project, tmp_path: Path) -> None:
    sqlite_project.write_tables(USERS)
    sqlite_project.ok("plan", "-o", PLAN)
    refused = sqlite_project.refuses(6, "migrate", "--plan", PLAN, "--url", f"sqlite:///{tmp_path}/other.db")
    assert "and this is other.db" in refused.err
    assert not (tmp_path / "other.db").exists()


def test_an_applied_file_that_changed_is_the_history_and_the_files_that_disagree(planned: Project) -> None:
    planned.file(USERS).write_text("SELECT 1;\n")
    assert f"{USERS} changed after it was applied" in planned.refuses(4, "migrate", "--plan", PLAN).err


def test_the_document_of_a_refusal_lists_what_moved(planned: Project) -> None:
    planned.delete(NOTES)
    document = planned.refuses(6, "migrate", "--plan", PLAN, "--json").json["error"]
    assert (document["kind"], document["path"]) == ("PlanRefused", PLAN)
    assert document["moved"] == [f"the file of {NOTES} is gone"]


# ------------------------------------------------------------------------------- others, under the lock


def test_what_moves_while_the_question_stands_is_refused_and_no_other_plan_takes_its_place(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write_tables()
    project.ok("plan", "--env", "production", "-o", PLAN)
    really = confirmation.ask_for_name
    asked: list[int] = []

    def ask(*arguments: object) -> None:
        asked.append(1)
        with monkeypatch.context() as other:
            other.setattr(confirmation, "ask_for_name", really)
            project.ok("migrate", "--steps", "2", "--env", "production", "--yes", "--confirm", project.database)

    monkeypatch.setattr(confirmation, "ask_for_name", ask)
    outcome = project.run("migrate", "--plan", PLAN, "--env", "production", answer="anything")
    assert outcome.code == 6, outcome.text
    assert f"plan      {PLAN}" in outcome.err
    assert f"{USERS} was applied since, by run" in outcome.err
    assert "made again" not in outcome.err
    assert asked == [1]
    assert project.applied() == [USERS, TASKS]


@pytest.mark.postgres
def test_what_moves_while_a_run_waits_for_the_lock_is_refused(postgres_project: Project) -> None:
    project = postgres_project
    project.write_tables()
    project.ok("migrate", "--steps", "2")
    project.ok("plan", "-o", PLAN)
    with project.target.child("hold") as child, project.start("migrate", "--plan", PLAN) as runner:
        until(lambda: backends(project, "query LIKE '%pg_try_advisory_lock%'"), "it waits for the lock")
        project.rows(f"DELETE FROM schema_migrations WHERE migration_name = '{TASKS}'")
        child.go()
        child.hears()
        outcome = ended(runner)
    assert outcome.code == 6, outcome.text
    assert f"{TASKS} was applied, and is not any more" in outcome.err
    assert project.applied() == [USERS]


@pytest.mark.postgres
def test_two_runs_of_one_plan_at_once_do_it_once_and_both_succeed(postgres_project: Project) -> None:
    project = postgres_project
    project.write_tables(USERS)
    project.write(TASKS, "CREATE TABLE tasks (id integer);\nSELECT pg_sleep(1);\n")
    project.ok("plan", "-o", PLAN)
    start = ("migrate", "--plan", PLAN)
    with project.target.child("hold") as child, project.start(*start) as one, project.start(*start) as other:
        until(lambda: len(backends(project, "query LIKE '%pg_try_advisory_lock%'")) == 2, "both wait for the lock")
        child.go()
        child.hears()
        outcomes = [ended(one), ended(other)]
    assert [outcome.code for outcome in outcomes] == [0, 0], [outcome.text for outcome in outcomes]
    assert sorted("another run has done it meanwhile" in outcome.err for outcome in outcomes) == [False, True]
    assert project.log("action", "migration_name")[1:] == [("migrate", USERS), ("migrate", TASKS)]


@pytest.mark.postgres
def test_a_session_that_ends_between_two_files_does_not_make_the_plan_another_one(postgres_project: Project) -> None:
    project = postgres_project
    project.write_tables(USERS, TASKS, TAGS)
    project.ok("plan", "-o", PLAN)
    with slowly(project, 0.4, "migrate", "--plan", PLAN) as runner:
        until(lambda: USERS in project.applied(), "the first is applied")
        project.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'migration_manager%'"
        )
        outcome = ended(runner)
    assert outcome.code == 0, outcome.text
    assert project.applied() == [USERS, TASKS, TAGS]


@pytest.mark.postgres
def test_what_moves_between_two_files_ends_the_run_and_says_what_it_did_until_then(postgres_project: Project) -> None:
    project = postgres_project
    project.write_tables(USERS, TASKS, TAGS)
    project.ok("migrate", "--steps", "1")
    project.ok("plan", "-o", PLAN)
    with slowly(project, 0.4, "migrate", "--plan", PLAN) as runner:
        until(lambda: TASKS in project.applied(), "the first of it is applied")
        project.rows(f"DELETE FROM schema_migrations WHERE migration_name = '{USERS}'")
        project.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'migration_manager%'"
        )
        outcome = ended(runner)
    assert outcome.code == 6, outcome.text
    assert f"{USERS} was applied, and is not any more" in outcome.err
    assert "1 stays applied" in outcome.err
    assert "1 more not begun" in outcome.err
    assert project.applied() == [TASKS]


@pytest.mark.postgres
def test_a_second_run_of_a_plan_waits_for_the_first_in_the_middle_of_a_file_without_a_transaction(
    postgres_project: Project,
) -> None:
    project = postgres_project
    project.write(USERS, "-- migrate: no-transaction\nCREATE TABLE users (id integer);\nSELECT pg_sleep(1.5);\n")
    project.ok("plan", "-o", PLAN)
    with project.start("migrate", "--plan", PLAN) as first:
        until(lambda: project.rows_of_history() == [(USERS, "unfinished")], "the first is in the middle")
        second = project.process("migrate", "--plan", PLAN)
        assert (ended(first).code, second.code) == (0, 0), second.text
    assert "nothing to do: the plan was carried out by run" in second.out


# ------------------------------------------------------------------------------------- guards and slips


def test_a_protected_environment_asks_and_shows_the_plans_file(project: Project) -> None:
    project.write_tables(USERS)
    project.ok("plan", "--env", "production", "-o", PLAN)
    refused = project.run("migrate", "--plan", PLAN, "--env", "production", answer="no\n")
    assert refused.code == 6
    assert f"plan      {PLAN}" in refused.err
    assert project.applied() == []
    project.ok("migrate", "--plan", PLAN, "--env", "production", "--yes", "--confirm", project.database)
    assert project.applied() == [USERS]


@on_sqlite
@pytest.mark.parametrize(
    "option",
    [["--to", USERS], ["--steps", "1"], ["--atomic"], ["--out-of-order", "allow"], ["--allow-missing"],
     ["--accept-identity"]],
    ids=lambda option: option[0],
)  # fmt: skip
def test_a_plan_says_everything_itself(planned: Project, option: list[str]) -> None:
    refused = planned.refuses(2, "migrate", "--plan", PLAN, *option)
    assert f"{option[0]} does not go with --plan" in refused.err


@on_sqlite
def test_a_file_that_is_not_there_or_is_no_plan_is_a_file_error(planned: Project) -> None:
    assert "nowhere.json: there is no such file" in planned.refuses(2, "migrate", "--plan", "nowhere.json").err
    path = planned.root / PLAN
    good = saved(planned)
    for text, sentence in (
        ("not json", "this is no plan of this tool"),
        (json.dumps({**good, "format": 99}), "this plan has format 99, written by a newer version"),
        (json.dumps({**good, "steps": 3}), "this plan was damaged: Expected `array`, got `int` - at `$.steps`"),
    ):
        path.write_text(text)
        assert f"{PLAN}: {sentence}" in planned.refuses(2, "migrate", "--plan", PLAN).err


@on_sqlite
def test_a_plan_that_cannot_be_written_is_a_file_error(planned: Project) -> None:
    assert "cannot be written" in planned.refuses(2, "plan", "-o", f"nowhere{os.sep}plan.json").err


@on_sqlite
def test_a_step_taken_out_of_the_file_by_hand_is_noticed(planned: Project) -> None:
    plan = saved(planned)
    plan["steps"] = plan["steps"][1:]  # type: ignore[index]
    (planned.root / PLAN).write_text(json.dumps(plan))
    assert f"{TAGS} is new, and would come before {NOTES}" in moved(planned)


@on_sqlite
def test_a_plan_of_all_leaves_nothing_pending(project: Project) -> None:
    project.write_tables()
    project.ok("plan", "-o", PLAN)
    project.ok("migrate", "--plan", PLAN)
    assert project.applied() == list(FIVE)
