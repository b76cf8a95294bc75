"""`status`, `verify`, `history`: what they say."""

from __future__ import annotations

import re

import pytest

from tests.fixtures.cli import FILES, NOTES, TAGS, TASKS, USERS, Project, on_sqlite

# -------------------------------------------------------------------------------------------- status


def test_status_shows_every_standing(project: Project) -> None:
    project.write_tables()
    project.ok("migrate", "--to", NOTES)
    project.file(USERS).write_text("CREATE TABLE users (id bigint);\n")
    project.delete(TASKS)
    project.write_tables("20250101_110000_create_late")
    document = project.ok("status", "--json").json
    assert {m["name"]: (m["status"], m["out_of_order"]) for m in document["migrations"]} == {
        USERS: ("changed", False),
        "20250101_110000_create_late": ("pending", True),
        TASKS: ("missing", False),
        TAGS: ("applied", False),
        NOTES: ("applied", False),
        FILES: ("pending", False),
    }
    assert document["counts"] == {"changed": 1, "pending": 2, "missing": 1, "applied": 2}
    text = project.ok("status").out
    for word in ("changed", "missing", "applied", "pending", "out of order"):
        assert word in text


def test_status_says_which_database_it_is(project: Project) -> None:
    project.write_tables()
    project.ok("migrate")
    shown = project.ok("status").out
    assert project.database in shown
    assert ("PostgreSQL" if project.on_postgres else "SQLite") in shown
    document = project.ok("status", "--json").json
    assert document["environment"] == document["stamped"] == "dev"
    assert document["database"]["database"] == project.database


def test_status_says_what_is_next(project: Project) -> None:
    assert "create" in project.ok("status").out
    project.write_tables()
    assert "Next: migration-manager migrate" in project.ok("status").out
    project.ok("migrate")
    assert "nothing pending" in project.ok("status").out


def test_status_has_a_word_about_what_deserves_one(project: Project) -> None:
    project.write(USERS, "-- migrate: no-transaction\nCREATE TABLE users (id integer);\n", "DROP TABLE users;\n")
    project.write(TASKS, "CREATE TABLE tasks (id integer);\n")
    project.write(TAGS, "-- migrate: irreversible because gone is gone\nCREATE TABLE tags (id integer);\n")
    notes = {m["name"]: m["note"] for m in project.ok("status", "--json").json["migrations"]}
    assert notes == {USERS: "no transaction", TASKS: "no rollback script", TAGS: "irreversible: gone is gone"}


def test_status_check_tells_a_problem_before_what_is_pending(project: Project) -> None:
    project.write_tables()
    project.ok("migrate", "--to", TAGS)
    assert project.run("status", "--check").code == 3
    project.file(USERS).write_text("CREATE TABLE users (id bigint);\n")
    assert project.run("status", "--check").code == 4


def test_status_check_counts_a_late_file_as_a_problem_only_where_it_is_refused(project: Project) -> None:
    project.write_tables(USERS, TAGS)
    project.ok("migrate")
    project.write_tables(TASKS)
    assert project.run("status", "--check").code == 3
    project.set("dev", out_of_order="refuse")
    assert project.run("status", "--check").code == 4


def test_status_of_all_environments_stands_side_by_side(project: Project) -> None:
    project.write_tables()
    project.ok("migrate", "--to", TAGS)
    shown = project.ok("status", "--all-environments").out
    assert re.search(r"dev +uat +production", shown)
    assert re.search(rf"{TAGS} +applied", shown)
    assert re.search(rf"{FILES} +pending", shown)
    assert "this database says it is dev" in shown, "uat and production point to the same database here"


def test_an_environment_that_does_not_answer_does_not_hide_the_others(project: Project) -> None:
    project.set("dev", history_table="schema_migrations")
    project.configure(
        'default_environment = "dev"\n[environments.dev]\nurl = "${TARGET_URL}"\n'
        '[environments.uat]\nurl = "postgresql://me@127.0.0.1:1/none"\n'
        '[environments.production]\nurl = "${NOT_SET_ANYWHERE}"\n'
    )
    project.write_tables()
    project.ok("migrate")
    document = project.ok("status", "-a", "--json").json
    dev, uat, production = document["environments"]
    assert dev["counts"] == {"applied": 5}
    assert "cannot connect" in uat["error"]
    assert "NOT_SET_ANYWHERE" in production["error"]
    assert project.run("status", "-a", "--check").code != 0


# -------------------------------------------------------------------------------------------- verify


def test_editing_an_applied_file_is_said_by_status_and_migrate_with_exit_4(applied: Project) -> None:
    applied.file(TASKS).write_text("CREATE TABLE tasks (id bigint PRIMARY KEY);\n")
    checked = applied.refuses(4, "status", "--check")
    assert re.search(rf"{TASKS} +changed", checked.out)
    refused = applied.refuses(4, "migrate")
    assert f"{TASKS} changed after it was applied" in refused.err
    assert "verify" in refused.err


def test_editing_an_applied_file_is_shown_by_verify_as_a_text_diff(applied: Project) -> None:
    applied.file(TASKS).write_text("CREATE TABLE tasks (id bigint PRIMARY KEY);\n")
    outcome = applied.refuses(4, "verify")
    assert "-CREATE TABLE tasks (id integer PRIMARY KEY);" in outcome.out
    assert "+CREATE TABLE tasks (id bigint PRIMARY KEY);" in outcome.out
    assert f"migrations/{TASKS}.sql" in outcome.out
    assert not re.search("[0-9a-f]{40}", outcome.out), "a diff, not two hashes"


def test_crlf_alone_changes_nothing(applied: Project) -> None:
    for path in applied.migrations.iterdir():
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert applied.ok("status", "--check").code == 0
    assert "5 applied migrations agree" in applied.ok("verify").out
    assert "nothing to do" in applied.ok("migrate").out


@pytest.mark.parametrize(
    "text",
    [
        "-- who uses it\nCREATE TABLE tasks (id integer PRIMARY KEY);\n",
        "\n\nCREATE TABLE tasks (id integer PRIMARY KEY);\n\n",
        "CREATE TABLE tasks /* of users */ (id integer PRIMARY KEY);\n",
    ],
    ids=["a line", "blank lines", "a block"],
)
def test_a_change_in_comments_or_blank_lines_only_is_cosmetic_and_verify_exits_0(applied: Project, text: str) -> None:
    applied.file(TASKS).write_text(text)
    outcome = applied.refuses(0, "verify")
    assert "comments or blank lines only" in outcome.out
    (difference,) = applied.ok("verify", "--json").json["differences"]
    assert difference["cosmetic"] is True


@pytest.mark.parametrize("text", ["CREATE TABLE tasks (id integer PRIMARY KEY DEFAULT 1);\n", "-- all gone\n"])
def test_a_change_of_what_runs_is_not_cosmetic(applied: Project, text: str) -> None:
    applied.file(TASKS).write_text(text)
    (difference,) = applied.refuses(4, "verify", "--json").json["differences"]
    assert difference["cosmetic"] is False


def test_a_change_inside_a_string_is_not_cosmetic(project: Project) -> None:
    project.write(USERS, "CREATE TABLE users (id text DEFAULT 'a -- b');\n", "DROP TABLE users;\n")
    project.ok("migrate")
    project.file(USERS).write_text("CREATE TABLE users (id text DEFAULT 'a -- c');\n")
    assert project.run("verify").code == 4


def test_a_changed_rollback_script_is_reported(applied: Project) -> None:
    applied.rollback_file(TASKS).write_text("DROP TABLE IF EXISTS tasks;\n")
    (difference,) = applied.refuses(4, "verify", "--json").json["differences"]
    assert (difference["name"], difference["which"]) == (TASKS, "rollback script")
    assert applied.ok("status", "--check").code == 0


def test_verify_names_what_is_missing(applied: Project) -> None:
    applied.delete(TASKS)
    outcome = applied.refuses(4, "verify")
    assert TASKS in outcome.out
    assert "missing" in outcome.out
    assert applied.run("verify", "--json").json["missing"] == [TASKS]


@on_sqlite
def test_the_alias_of_verify(applied: Project) -> None:
    assert applied.ok("validate").out == applied.ok("verify").out


# ------------------------------------------------------------------------------------------- history


def test_history_has_everything_that_was_done_oldest_first_failures_included(project: Project) -> None:
    project.write_tables(USERS, TASKS)
    project.ok("migrate")
    project.ok("rollback")
    project.write(TAGS, "INSERT INTO nowhere VALUES (1);\n")
    project.run("migrate")
    shown = project.ok("history").out.splitlines()
    facts = [re.search(r"(stamp|migrate|rollback) +(done|failed) +(\S+)", line) for line in shown]
    assert [fact.groups() for fact in facts if fact] == [
        ("stamp", "done", "environment"),
        ("migrate", "done", USERS),
        ("migrate", "done", TASKS),
        ("rollback", "done", TASKS),
        ("migrate", "done", TASKS),
        ("migrate", "failed", TAGS),
    ]


def test_history_of_one_migration(applied: Project) -> None:
    applied.ok("rollback", "--name", TAGS)
    rows = applied.ok("history", "--name", "create_tags", "--json").json["log"]
    assert [(row["name"], row["action"]) for row in rows] == [(TAGS, "rollback"), (TAGS, "migrate")]


def test_history_is_limited_to_the_newest(applied: Project) -> None:
    rows = applied.ok("history", "--limit", "2", "--json").json["log"]
    assert [row["name"] for row in rows] == [FILES, NOTES]
    assert applied.ok("history", "--limit", "2").out.count("migrate") == 2


def test_history_says_who_when_from_where_and_how_long(project: Project) -> None:
    project.write_tables(USERS)
    project.ok("migrate", env={"GITHUB_SHA": "abc123", "GITHUB_RUN_ID": "7", "GITHUB_REPOSITORY": "me/it",
                               "GITHUB_SERVER_URL": "https://git.example"})  # fmt: skip
    row = project.ok("history", "--name", USERS, "--json").json["log"][0]
    assert row["git_commit"] == "abc123"
    assert row["ci_run"] == "https://git.example/me/it/actions/runs/7"
    assert row["at"].endswith("+00:00")
    assert all(row[key] is not None for key in ("os_user", "host", "tool_version", "execution_ms", "database_user"))


def test_history_of_a_database_where_nothing_was_done(project: Project) -> None:
    assert "nothing was ever done here" in project.refuses(0, "history").out
    assert project.ok("history", "--json").json["log"] == []


@on_sqlite
def test_history_of_an_unknown_name(applied: Project) -> None:
    assert applied.refuses(2, "history", "--name", "nonsense").err


def test_a_rolled_back_migration_whose_file_is_gone_still_has_its_history(applied: Project) -> None:
    applied.ok("rollback")
    applied.delete(FILES)
    assert len(applied.ok("history", "--name", FILES, "--json").json["log"]) == 2
