"""`rollback`: by name in the middle of an incident, and every other way to say what."""

from __future__ import annotations

import pytest

from tests.fixtures.cli import FILES, FIVE, NOTES, TAGS, TASKS, USERS, Project, on_sqlite


def tables(project: Project) -> list[str]:
    return [name for name in ("users", "tasks", "tags", "notes", "files") if project.has_table(name)]


# ------------------------------------------------------------------------------------------- by name


@pytest.mark.parametrize("short", [FILES, "create_files", "20250105_100000", "files", f"migrations/{FILES}.sql"])
@on_sqlite
def test_by_name_the_newest(applied: Project, short: str) -> None:
    outcome = applied.ok("rollback", "--name", short)
    assert FILES in outcome.out
    assert "1 rolled back" in outcome.out
    assert applied.applied() == [USERS, TASKS, TAGS, NOTES]
    assert tables(applied) == ["users", "tasks", "tags", "notes"]
    assert applied.status()[FILES] == "pending"


def test_by_name_a_middle_one_exactly_that_and_what_came_after_is_named_and_stays(applied: Project) -> None:
    outcome = applied.ok("rollback", "--name", TAGS)
    assert applied.applied() == [USERS, TASKS, NOTES, FILES]
    assert tables(applied) == ["users", "tasks", "notes", "files"]
    assert NOTES in outcome.err
    assert FILES in outcome.err
    assert "--cascade" in outcome.err


def test_by_name_a_middle_one_can_be_applied_again(applied: Project) -> None:
    applied.ok("rollback", "--name", TAGS)
    applied.ok("migrate")
    assert applied.applied() == [USERS, TASKS, NOTES, FILES, TAGS]
    applied.ok("rollback")
    assert applied.applied() == [USERS, TASKS, NOTES, FILES], "the newest is the one applied last"


def test_by_name_one_whose_files_were_deleted_uses_the_text_kept_when_it_was_applied(applied: Project) -> None:
    applied.delete(TAGS)
    outcome = applied.ok("rollback", "--name", TAGS)
    assert "kept when it was applied" in outcome.err
    assert tables(applied) == ["users", "tasks", "notes", "files"]
    assert applied.applied() == [USERS, TASKS, NOTES, FILES]
    assert TAGS not in applied.status()


def test_by_name_works_when_the_whole_folder_is_gone(applied: Project) -> None:
    for path in applied.migrations.iterdir():
        path.unlink()
    applied.migrations.rmdir()
    applied.ok("rollback", "--name", "create_files")
    assert applied.applied() == [USERS, TASKS, TAGS, NOTES]


def test_by_name_works_beside_a_stray_file(applied: Project) -> None:
    (applied.migrations / "stray.sql").write_text("SELECT 1;\n")
    outcome = applied.ok("rollback", "--name", FILES)
    assert "stray.sql" in outcome.err
    assert applied.applied() == [USERS, TASKS, TAGS, NOTES]


def test_by_name_one_that_is_not_applied_exits_4_and_changes_nothing(project: Project) -> None:
    project.write_tables()
    project.ok("migrate", "--to", TAGS)
    outcome = project.refuses(4, "rollback", "--name", FILES)
    assert f"{FILES} is not applied" in outcome.err


def test_by_name_one_without_a_rollback_script_exits_2_and_changes_nothing(project: Project) -> None:
    project.write(USERS, "CREATE TABLE users (id integer);\n")
    project.ok("migrate")
    outcome = project.refuses(2, "rollback", "--name", USERS)
    assert f"{USERS}_rollback.sql" in outcome.err
    assert project.has_table("users")


@pytest.mark.parametrize("text", ["", "-- to be written\n", "/* DROP TABLE users; */\n", ";\n", "BEGIN;\nCOMMIT;\n"])
def test_by_name_one_whose_script_has_no_statement_exits_2_and_changes_nothing(project: Project, text: str) -> None:
    project.write(USERS, "CREATE TABLE users (id integer);\n", text)
    project.ok("migrate")
    outcome = project.refuses(2, "rollback", "--name", USERS)
    assert "no statement" in outcome.err
    assert project.has_table("users")


def test_a_script_without_a_statement_is_named_as_the_file_to_mend(project: Project) -> None:
    project.write(USERS, "CREATE TABLE users (id integer);\n", "-- to be written\n")
    project.ok("migrate")
    outcome = project.refuses(2, "rollback", "--name", USERS)
    assert f"migrations/{USERS}_rollback.sql" in outcome.err, "it is there, as it was when the migration was applied"
    assert "(kept)" not in outcome.err


def test_a_script_that_says_why_there_is_nothing_to_undo_rolls_back(project: Project) -> None:
    project.write(USERS, "CREATE TABLE users (id integer);\n", "-- migrate: nothing-to-undo because it may stay\n")
    project.ok("migrate")
    project.ok("rollback", "--name", USERS)
    assert project.applied() == []


def test_an_irreversible_migration_is_not_rolled_back_and_says_why(project: Project) -> None:
    project.write(
        USERS,
        "-- migrate: irreversible because the words are gone\nCREATE TABLE users (id integer);\n",
        "DROP TABLE users;",
    )
    project.ok("migrate")
    assert "the words are gone" in project.refuses(6, "rollback", "--name", USERS).err
    project.delete(USERS)
    assert "the words are gone" in project.refuses(6, "rollback", "--name", USERS).err


def test_the_file_wins_over_the_kept_text_and_the_difference_is_shown(applied: Project) -> None:
    applied.rollback_file(FILES).write_text("DROP TABLE files;\nDROP TABLE notes;\n")
    outcome = applied.ok("rollback", "--name", FILES)
    assert "+DROP TABLE notes;" in outcome.err
    assert tables(applied) == ["users", "tasks", "tags"]


def test_an_emptied_file_does_not_hide_the_kept_text(applied: Project) -> None:
    applied.rollback_file(FILES).write_text("-- sorry\n")
    applied.ok("rollback", "--name", FILES)
    assert not applied.has_table("files")


def test_a_changed_or_missing_migration_does_not_stop_a_rollback(applied: Project) -> None:
    applied.file(USERS).write_text("SELECT 1;\n")
    applied.delete(TASKS)
    applied.ok("rollback", "--name", FILES)
    assert applied.applied() == [USERS, TASKS, TAGS, NOTES]


def test_an_ambiguous_name_lists_the_candidates(project: Project) -> None:
    first, second = "20250101_100000_add_index", "20250102_100000_add_index"
    project.write(first, "CREATE TABLE a (id integer);", "DROP TABLE a;")
    project.write(second, "CREATE TABLE b (id integer);", "DROP TABLE b;")
    project.ok("migrate")
    outcome = project.refuses(2, "rollback", "--name", "add_index")
    assert first in outcome.err
    assert second in outcome.err
    assert project.refuses(2, "rollback", "--name", "add_index", "--json").json["error"]["candidates"] == [
        first,
        second,
    ]


@on_sqlite
def test_an_unknown_name_suggests_the_nearest(applied: Project) -> None:
    assert "create_tags" in applied.refuses(2, "rollback", "--name", "create_tgas").err


# -------------------------------------------------------------------------------- the other selections


def test_bare_takes_the_newest(applied: Project) -> None:
    applied.ok("rollback")
    assert applied.applied() == [USERS, TASKS, TAGS, NOTES]


@on_sqlite
def test_the_alias(applied: Project) -> None:
    applied.ok("down")
    assert applied.applied() == [USERS, TASKS, TAGS, NOTES]


def test_steps_takes_the_newest_so_many_newest_first(applied: Project) -> None:
    outcome = applied.ok("rollback", "--steps", "2")
    assert outcome.out.index(FILES) < outcome.out.index(NOTES)
    assert applied.applied() == [USERS, TASKS, TAGS]


def test_more_steps_than_there_are_take_all(applied: Project) -> None:
    applied.ok("rollback", "--steps", "99")
    assert applied.applied() == []


def test_to_stays(applied: Project) -> None:
    applied.ok("rollback", "--to", "create_tasks")
    assert applied.applied() == [USERS, TASKS]
    assert "nothing to roll back" in applied.refuses(0, "rollback", "--to", TASKS).out


def test_all_leaves_no_table_of_ours_and_migrate_starts_over(applied: Project) -> None:
    applied.ok("rollback", "--all")
    assert (applied.applied(), tables(applied)) == ([], [])
    applied.ok("migrate")
    assert applied.applied() == list(FIVE)


def test_a_run_is_one_deployment(project: Project) -> None:
    project.write_tables()
    first = project.ok("migrate", "--steps", "2", "--json").json["run_id"]
    second = project.ok("migrate", "--json").json["run_id"]
    project.ok("rollback", "--last-run")
    assert project.applied() == [USERS, TASKS]
    assert "undo with: migration-manager rollback --run" in project.ok("migrate").out
    assert second in project.refuses(2, "rollback", "--run", second).err, "nothing of that run is applied now"
    project.ok("rollback", "--run", first[:20].lower())
    assert project.applied() == [TAGS, NOTES, FILES]


@pytest.mark.parametrize("selection", [["--name", TAGS], ["--name", "create_tags"]])
def test_cascade_takes_what_came_after(applied: Project, selection: list[str]) -> None:
    outcome = applied.ok("rollback", *selection, "--cascade")
    assert applied.applied() == [USERS, TASKS]
    assert [outcome.out.index(n) for n in (FILES, NOTES, TAGS)] == sorted(
        outcome.out.index(n) for n in (FILES, NOTES, TAGS)
    )


def test_cascade_of_a_run_takes_what_came_after_it(project: Project) -> None:
    project.write_tables()
    run = project.ok("migrate", "--steps", "2", "--json").json["run_id"]
    project.ok("migrate")
    project.ok("rollback", "--run", run, "--cascade")
    assert project.applied() == []


@pytest.mark.parametrize(
    "pair",
    [
        ["--all", "--steps", "1"],
        ["--name", TAGS, "--to", USERS],
        ["--last-run", "--all"],
        ["--run", "x", "--name", "y"],
    ],
    ids=" ".join,
)
@on_sqlite
def test_two_selections_do_not_go_together(applied: Project, pair: list[str]) -> None:
    outcome = applied.refuses(2, "rollback", *pair)
    assert next(word for word in pair if word.startswith("--")) in outcome.err


# ------------------------------------------------------------------------------------------- dry run


@pytest.mark.parametrize(
    ("typed", "shown", "left"),
    [
        ([], [FILES], FIVE[:4]),
        (["--name", TAGS], [TAGS], (USERS, TASKS, NOTES, FILES)),
        (["--name", TAGS, "--cascade"], [FILES, NOTES, TAGS], FIVE[:2]),
        (["--steps", "2"], [FILES, NOTES], FIVE[:3]),
        (["--to", USERS], [FILES, NOTES, TAGS, TASKS], FIVE[:1]),
        (["--last-run"], list(reversed(FIVE)), ()),
        (["--all"], list(reversed(FIVE)), ()),
    ],
    ids=lambda value: " ".join(value) if value and value[0].startswith("--") else "",
)
def test_a_dry_run_writes_nothing_and_says_exactly_what_then_happens(
    applied: Project, typed: list[str], shown: list[str], left: tuple[str, ...]
) -> None:
    document = applied.refuses(0, "rollback", *typed, "--dry-run", "--json").json
    assert [task["name"] for task in document["would_do"]] == shown
    text = applied.refuses(0, "rollback", *typed, "--dry-run")
    assert "DROP TABLE" in text.out
    done = applied.ok("rollback", *typed, "--json").json["done"]
    assert [each["name"] for each in done] == shown
    assert applied.applied() == list(left)


# ------------------------------------------------------------------------------------------- failing


def test_a_failing_script_leaves_its_migration_applied_and_says_so(project: Project) -> None:
    project.write_tables()
    project.write(NOTES, "CREATE TABLE notes (id integer);\n", "DROP TABLE notes;\nDROP TABLE nowhere;\n")
    project.ok("migrate")
    outcome = project.run("rollback", "--steps", "3")
    assert outcome.code == 1
    assert f"migrations/{NOTES}_rollback.sql:2:" in outcome.err
    assert "it is still applied" in outcome.err
    assert "1 before it stays rolled back" in outcome.err
    assert "1 more not reached" in outcome.err
    assert project.applied() == [USERS, TASKS, TAGS, NOTES]
    assert project.has_table("notes")


@pytest.mark.postgres
def test_what_later_migrations_need_is_told_with_the_way_out(postgres_project: Project) -> None:
    postgres_project.write_tables(USERS)
    postgres_project.write(TASKS, "CREATE VIEW tasks AS SELECT * FROM users;\n", "DROP VIEW tasks;\n")
    postgres_project.ok("migrate")
    outcome = postgres_project.run("rollback", "--name", USERS)
    assert outcome.code == 1
    assert "view tasks depends on table users" in outcome.err
    assert "--cascade" in outcome.err
    postgres_project.ok("rollback", "--name", USERS, "--cascade")
    assert postgres_project.applied() == []


def test_a_rollback_is_in_the_log(applied: Project) -> None:
    applied.ok("rollback", "--name", TAGS)
    assert applied.log("action", "outcome", "migration_name")[-1] == ("rollback", "done", TAGS)


def test_a_script_longer_than_a_mebibyte_is_not_kept_and_says_so(project: Project) -> None:
    padding = "-- " + "x" * 1024 + "\n"
    project.write(USERS, "CREATE TABLE users (id integer);\n", padding * 1025 + "DROP TABLE users;\n")
    project.ok("migrate")
    project.rollback_file(USERS).unlink()
    outcome = project.refuses(2, "rollback", "--name", USERS)
    assert "1 MiB" in outcome.err, "it was not kept because of its length, and that is what to say"
