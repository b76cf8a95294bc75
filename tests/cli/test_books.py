"""`repair`, `baseline`, `forget`: the books alone; nothing runs, everything is logged."""

from __future__ import annotations

import pytest

from tests.fixtures.cli import FILES, FIVE, NOTES, TAGS, TASKS, USERS, Project

# -------------------------------------------------------------------------------------------- repair


@pytest.fixture
def changed(applied: Project) -> Project:
    """Return a project where two applied files are other ones now."""
    for name in (TASKS, TAGS):
        applied.file(name).write_text(f"-- mended\n{applied.file(name).read_text()}")
    return applied


def test_repair_accepts_one_by_name_with_a_reason_that_the_log_keeps(changed: Project) -> None:
    outcome = changed.ok("repair", "--name", "create_tasks", "--reason", "typo [b] in a comment")
    assert TASKS in outcome.out
    assert changed.status() == {**dict.fromkeys(FIVE, "applied"), TAGS: "changed"}
    assert changed.log("action", "outcome", "migration_name", "reason")[-1] == (
        "repair", "done", TASKS, "typo [b] in a comment",
    )  # fmt: skip
    assert "typo [b] in a comment" in changed.ok("history").out


def test_repair_accepts_all(changed: Project) -> None:
    changed.ok("repair", "--all", "--reason", "reviewed")
    assert set(changed.status().values()) == {"applied"}
    assert "agree" in changed.ok("verify").out
    assert changed.ok("migrate").code == 0


def test_repair_keeps_when_and_in_which_order_it_was_applied(changed: Project) -> None:
    query = "SELECT migration_name, applied_at, applied_by FROM schema_migrations ORDER BY 1"
    before = changed.rows(query)
    changed.ok("repair", "--all", "--reason", "reviewed")
    assert changed.rows(query) == before
    changed.ok("rollback")
    assert FILES not in changed.applied(), "accepting a file does not make it the newest"


def test_repair_keeps_the_run_a_migration_was_applied_in(changed: Project) -> None:
    before = changed.rows("SELECT migration_name, run_id FROM schema_migrations ORDER BY 1")
    changed.ok("repair", "--all", "--reason", "reviewed")
    assert changed.rows("SELECT migration_name, run_id FROM schema_migrations ORDER BY 1") == before


def test_repair_is_one_transaction_and_can_be_previewed(changed: Project) -> None:
    document = changed.refuses(0, "repair", "--all", "--dry-run", "--json").json
    assert [task["name"] for task in document["would_do"]] == [TASKS, TAGS]
    assert "nothing was written" in changed.refuses(0, "repair", "--all", "--dry-run").out


def test_repair_with_nothing_to_accept_writes_nothing(applied: Project) -> None:
    assert "nothing to accept" in applied.refuses(0, "repair", "--all", "--reason", "x").out


def test_repair_of_a_missing_file_exits_4(applied: Project) -> None:
    applied.delete(TASKS)
    applied.refuses(4, "repair", "--name", TASKS, "--reason", "x")


def test_the_text_accepted_is_the_one_compared_with_next(changed: Project) -> None:
    changed.ok("repair", "--all", "--reason", "reviewed")
    changed.file(TASKS).write_text("CREATE TABLE tasks (id bigint);\n")
    outcome = changed.run("verify")
    assert "-- mended" in outcome.out


# ------------------------------------------------------------------------------------------ baseline


@pytest.mark.parametrize("alias", ["baseline", "stamp"])
def test_baseline_records_everything_without_running_it(project: Project, alias: str) -> None:
    project.write_tables()
    project.ok(alias, "--all", "--reason", "made by hand")
    assert project.applied() == list(FIVE)
    assert not project.has_table("users")
    assert set(project.log("action", "outcome", "reason")[1:]) == {("baseline", "done", "made by hand")}
    assert "nothing to do" in project.ok("migrate").out


def test_baseline_to_includes_it(project: Project) -> None:
    project.write_tables()
    project.ok("baseline", "--to", "create_tags")
    assert project.applied() == [USERS, TASKS, TAGS]


def test_baseline_by_name_takes_just_that_one(project: Project) -> None:
    project.write_tables()
    project.ok("baseline", "--name", TAGS)
    assert project.applied() == [TAGS]


def test_baseline_can_be_previewed(project: Project) -> None:
    project.write_tables()
    document = project.refuses(0, "baseline", "--to", TAGS, "--dry-run", "--json").json
    assert [task["name"] for task in document["would_do"]] == [USERS, TASKS, TAGS]
    project.refuses(0, "baseline", "--all", "--dry-run")


def test_baseline_with_nothing_to_record_writes_nothing(applied: Project) -> None:
    assert "nothing to record" in applied.refuses(0, "baseline", "--all").out


def test_what_was_baselined_can_be_rolled_back(project: Project) -> None:
    project.write_tables()
    project.rows("CREATE TABLE users (id integer)")
    project.ok("baseline", "--to", USERS)
    project.ok("rollback", "--name", USERS)
    assert not project.has_table("users")


# -------------------------------------------------------------------------------------------- forget


def test_forget_deletes_the_row_runs_nothing_and_logs_why(applied: Project) -> None:
    applied.ok("forget", "--name", "create_tags", "--reason", "never ran here")
    assert applied.applied() == [USERS, TASKS, NOTES, FILES]
    assert applied.has_table("tags")
    assert applied.status()[TAGS] == "pending"
    assert applied.log("action", "outcome", "migration_name", "reason")[-1] == (
        "forget", "done", TAGS, "never ran here",
    )  # fmt: skip


def test_forget_works_for_a_migration_whose_file_is_gone(applied: Project) -> None:
    applied.delete(TAGS)
    applied.ok("forget", "--name", TAGS)
    assert TAGS not in applied.applied()


def test_forget_can_be_previewed(applied: Project) -> None:
    assert TAGS in applied.refuses(0, "forget", "--name", TAGS, "--dry-run").out
    applied.refuses(0, "forget", "--name", TAGS, "--dry-run", "--json")


@pytest.mark.parametrize(
    "typed", [["repair", "--all", "--reason", "x"], ["baseline", "--all"], ["forget", "--name", USERS]], ids=" ".join
)
def test_the_books_of_a_protected_environment_are_guarded_too(project: Project, typed: list[str]) -> None:
    project.set("dev", protected=True)
    project.write_tables()
    confirmed = ("--yes", "--confirm", project.database)
    project.ok("migrate", "--steps", "2", *confirmed)
    project.file(USERS).write_text("-- x\n" + project.file(USERS).read_text())
    project.refuses(6, *typed)
    project.ok(*typed, *confirmed)
