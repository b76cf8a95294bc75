"""`migrate`: what is pending is applied, each file with its record; a failure says everything one needs at night."""

from __future__ import annotations

import pytest

from tests.fixtures.cli import FILES, FIVE, NOTES, TAGS, TASKS, USERS, Project

BROKEN = "CREATE TABLE files (id integer);\n  INSERT INTO nowhere\nVALUES (1);\nCREATE TABLE more (id integer);\n"


@pytest.fixture
def failing(project: Project) -> Project:
    """Return a project whose fifth file fails at line 2, column 15."""
    project.write_tables()
    project.write(FILES, BROKEN, "DROP TABLE files;\n")
    return project


# ------------------------------------------------------------------------------------------ applying


def test_everything_pending_is_applied_in_order_and_a_second_call_has_nothing_to_do(project: Project) -> None:
    project.write_tables(*reversed(FIVE))
    outcome = project.ok("migrate")
    assert project.applied() == list(FIVE)
    assert [outcome.out.index(name) for name in FIVE] == sorted(outcome.out.index(name) for name in FIVE)
    assert "5 applied" in outcome.out
    before = project.everything()
    assert "nothing to do: everything is applied." in project.ok("migrate").out
    assert project.everything() == before


@pytest.mark.parametrize("alias", ["up", "apply"])
def test_an_alias_does_the_same(sqlite_project: Project, alias: str) -> None:
    sqlite_project.write_tables()
    sqlite_project.ok(alias)
    assert sqlite_project.applied() == list(FIVE)


@pytest.mark.parametrize("to", [TAGS, "create_tags", "20250103_100000", f"migrations/{TAGS}.sql", "tags"])
def test_to_is_included_and_may_be_short(sqlite_project: Project, to: str) -> None:
    sqlite_project.write_tables()
    sqlite_project.ok("migrate", "--to", to)
    assert sqlite_project.applied() == [USERS, TASKS, TAGS]


def test_to_something_applied_has_nothing_to_do(project: Project) -> None:
    project.write_tables()
    project.ok("migrate", "--to", TAGS)
    assert "nothing to do" in project.refuses(0, "migrate", "--to", USERS).out


def test_steps_bounds_how_many(project: Project) -> None:
    project.write_tables()
    project.ok("migrate", "--steps", "2")
    assert project.applied() == [USERS, TASKS]
    project.ok("migrate", "--steps", "99")
    assert project.applied() == list(FIVE)


def test_one_run_has_one_run_id_in_history_and_log(project: Project) -> None:
    project.write_tables()
    run = project.ok("migrate", "--json").json["run_id"]
    assert project.rows("SELECT DISTINCT run_id FROM schema_migrations") == [(run,)]
    assert set(project.log("run_id")) == {(run,)}
    assert project.log("action", "outcome", "migration_name", "environment") == [
        ("stamp", "done", None, "dev"),
        *(("migrate", "done", name, "dev") for name in FIVE),
    ]


def test_an_empty_file_is_recorded_with_a_warning(project: Project) -> None:
    project.write(USERS, "-- to be written\n", "-- migrate: nothing-to-undo because it is empty\n")
    outcome = project.ok("migrate")
    assert f"{USERS} has no statement" in outcome.err
    assert project.applied() == [USERS]


def test_a_windows_checkout_and_a_bom_are_the_same_file(project: Project) -> None:
    project.write(USERS, "CREATE TABLE users (\n  id integer\n);\n", "DROP TABLE users;\n")
    project.ok("migrate")
    project.file(USERS).write_bytes(b"\xef\xbb\xbfCREATE TABLE users (\r\n  id integer\r\n);\r\n")
    assert project.status() == {USERS: "applied"}
    assert project.ok("status", "--check").code == 0
    assert "agree" in project.ok("verify").out


def test_the_folder_may_be_given(project: Project) -> None:
    project.write_tables()
    elsewhere = project.root / "elsewhere"
    project.migrations.rename(elsewhere)
    project.ok("migrate", "--dir", "elsewhere")
    assert project.applied() == list(FIVE)


# ------------------------------------------------------------------------------------------- dry run


def test_a_dry_run_shows_the_statements_and_writes_nothing(project: Project) -> None:
    project.write_tables()
    outcome = project.refuses(0, "migrate", "--dry-run")
    for name in FIVE:
        assert name in outcome.out
        assert f"CREATE TABLE {name.rsplit('_', 1)[1]} (id integer PRIMARY KEY);" in outcome.out
    assert "would be recorded" in outcome.out
    assert "nothing was written" in outcome.out
    project.ok("migrate", "--steps", "4")
    assert "1 migration would be applied" in project.refuses(0, "migrate", "--dry-run").out


def test_a_dry_run_of_a_protected_environment_asks_nobody(project: Project) -> None:
    project.write_tables()
    assert "5 migrations" in project.refuses(0, "migrate", "--dry-run", "--env", "production").out


def test_a_dry_run_as_json_has_the_statements(project: Project) -> None:
    project.write(USERS, "-- first\nCREATE TABLE a (id integer);\n\nCREATE TABLE b (id integer)", "DROP TABLE a;")
    document = project.refuses(0, "migrate", "--dry-run", "--json").json
    (task,) = document["would_do"]
    assert task["statements"] == ["CREATE TABLE a (id integer);", "CREATE TABLE b (id integer)"]
    assert task["name"] == USERS
    assert task["path"] == f"migrations/{USERS}.sql"
    assert task["transaction"] is True
    assert document["dry_run"] is True


# ------------------------------------------------------------------------------------ a failing file


def test_a_failing_fifth_file_exits_1_and_says_where_with_the_line_and_a_caret(failing: Project) -> None:
    outcome = failing.run("migrate")
    assert outcome.code == 1
    assert f"migrations/{FILES}.sql:2:15 failed" in outcome.err
    lines = outcome.err.splitlines()
    caret = next(number for number, line in enumerate(lines) if line.strip(" |") == "^")
    assert lines[caret - 1].endswith("INSERT INTO nowhere")
    assert lines[caret].index("^") == lines[caret - 1].index("nowhere")
    assert "2 |" in lines[caret - 1]


def test_a_failing_fifth_file_is_told_in_the_servers_words(failing: Project) -> None:
    words = {True: 'relation "nowhere" does not exist', False: "no such table: nowhere"}[failing.on_postgres]
    outcome = failing.run("migrate")
    assert words in outcome.err
    assert not failing.on_postgres or "42P01" in outcome.err


def test_a_failing_fifth_file_leaves_four_applied_and_recorded_and_nothing_of_the_fifth(failing: Project) -> None:
    outcome = failing.run("migrate")
    assert failing.applied() == [USERS, TASKS, TAGS, NOTES]
    assert not failing.has_table("files")
    assert not failing.has_table("more")
    assert all(failing.has_table(table) for table in ("users", "tasks", "tags", "notes"))
    assert "4 before it stay applied" in outcome.err
    assert "nothing of it was kept" in outcome.err
    assert failing.status()[FILES] == "pending"
    assert failing.rows_of_history() == [(name, "applied") for name in (USERS, TASKS, TAGS, NOTES)]


def test_a_failing_fifth_file_says_what_to_do_next_and_after_mending_it_migrate_goes_on(failing: Project) -> None:
    assert "mend the file and run migrate again" in failing.run("migrate").err
    failing.write_tables(FILES)
    outcome = failing.ok("migrate")
    assert "1 applied" in outcome.out
    assert failing.applied() == list(FIVE)


def test_a_failing_fifth_file_is_in_the_log_with_the_servers_words(failing: Project) -> None:
    failing.run("migrate")
    *done, failed = failing.log("migration_name", "action", "outcome", "error")
    assert [row[0] for row in done] == [None, USERS, TASKS, TAGS, NOTES]
    assert failed[:3] == (FILES, "migrate", "failed")
    assert "nowhere" in failed[3]
    assert "nowhere" in failing.ok("history").out


def test_a_failing_fifth_file_as_json_has_every_fact(failing: Project) -> None:
    outcome = failing.run("migrate", "--json")
    assert outcome.code == 1
    error = outcome.json["error"]
    facts = {key: error[key] for key in ("kind", "name", "path", "line", "column", "exit_code", "done")}
    assert facts == {
        "kind": "MigrationFailed",
        "name": FILES,
        "path": f"migrations/{FILES}.sql",
        "line": 2,
        "column": 15,
        "exit_code": 1,
        "done": [USERS, TASKS, TAGS, NOTES],
    }
    assert "nowhere" in error["server_message"]
    assert error["hint"]
    assert error["state"]
    assert error["not_reached"] == []


def test_what_was_not_reached_is_told(failing: Project) -> None:
    failing.write(TAGS, BROKEN)
    outcome = failing.run("migrate", "--json")
    assert outcome.json["error"]["done"] == [USERS, TASKS]
    assert outcome.json["error"]["not_reached"] == [NOTES, FILES]
    assert "2 more not reached" in outcome.err


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_the_place_of_an_error_counts_characters_whatever_the_line_ends(
    project: Project, newline: str, bom: str
) -> None:
    text = "-- größer, 日本\nCREATE TABLE größe (id integer);\n  INSERT INTO größe SELECT * FROM nowhere;\n"
    project.write(USERS, bom + text.replace("\n", newline))
    outcome = project.run("migrate", "--json")
    assert (outcome.json["error"]["line"], outcome.json["error"]["column"]) == (3, 35)


@pytest.mark.postgres
def test_an_error_inside_a_function_is_told_with_its_context_and_detail(postgres_project: Project) -> None:
    postgres_project.write(
        USERS,
        "CREATE TABLE u (id integer PRIMARY KEY);\nINSERT INTO u VALUES (7);\n"
        "DO $$\nBEGIN\n  INSERT INTO u VALUES (7);\nEND $$;\n",
    )
    outcome = postgres_project.run("migrate")
    assert f"{USERS}.sql:5:3 failed" in outcome.err, "in the body, not at the DO"
    assert "Key (id)=(7) already exists" in outcome.err
    assert "PL/pgSQL function" in outcome.err
    assert "23505" in outcome.err


# -------------------------------------------------------------------------------------------- atomic


def test_atomic_is_everything_or_nothing(failing: Project) -> None:
    outcome = failing.run("migrate", "--atomic")
    assert outcome.code == 1
    assert failing.applied() == []
    assert not failing.has_table("users")
    assert "nothing of the 5 in this transaction was kept" in outcome.err
    failing.write_tables(FILES)
    failing.ok("migrate", "--atomic")
    assert failing.applied() == list(FIVE)


def test_atomic_does_not_take_a_file_that_runs_outside_a_transaction(project: Project) -> None:
    project.write_tables()
    project.write(TAGS, "-- migrate: no-transaction\nCREATE TABLE tags (id integer);\n")
    outcome = project.refuses(2, "migrate", "--atomic")
    assert TAGS in outcome.err
    assert "--to" in outcome.err


# ------------------------------------------------------------------------------------------- policies


def test_late_files_follow_the_policy(project: Project) -> None:
    project.write_tables(USERS, TAGS)
    project.ok("migrate")
    project.write_tables(TASKS)
    refused = project.refuses(6, "migrate", "--out-of-order", "refuse")
    assert TASKS in refused.err
    assert TAGS in refused.err
    warned = project.ok("migrate")
    assert "warning" in warned.err
    assert TASKS in warned.err
    assert project.applied() == [USERS, TAGS, TASKS]


def test_a_late_file_that_is_allowed_is_not_mentioned(project: Project) -> None:
    project.write_tables(USERS, TAGS)
    project.ok("migrate")
    project.write_tables(TASKS)
    assert project.ok("migrate", "--out-of-order", "allow").err == ""


def test_production_refuses_late_files_unless_told(project: Project) -> None:
    confirmed = ("--env", "production", "--yes", "--confirm", project.database)
    project.write_tables(USERS, TAGS)
    project.ok("migrate", *confirmed)
    project.write_tables(TASKS)
    project.refuses(6, "migrate", *confirmed)
    project.ok("migrate", *confirmed, "--out-of-order", "allow")


def test_a_missing_file_stops_migrate_until_it_is_accepted(project: Project) -> None:
    project.write_tables()
    project.ok("migrate", "--to", NOTES)
    project.delete(TASKS)
    refused = project.refuses(4, "migrate")
    assert TASKS in refused.err
    assert "--allow-missing" in refused.err
    accepted = project.ok("migrate", "--allow-missing")
    assert TASKS in accepted.err
    assert FILES in project.applied()


def test_a_database_ahead_of_these_files_is_only_told(project: Project) -> None:
    project.write_tables()
    project.ok("migrate")
    project.delete(FILES)
    outcome = project.ok("migrate")
    assert "ahead" in outcome.err
    assert FILES in outcome.err


def test_a_deleted_history_row_means_pending_again(project: Project) -> None:
    project.write_tables()
    project.ok("migrate")
    project.rows(f"DELETE FROM schema_migrations WHERE migration_name = '{FILES}'")
    project.rows("DROP TABLE files")
    assert project.status()[FILES] == "pending"
    project.ok("migrate")
    assert project.has_table("files")


def test_files_for_other_environments_are_left_out(project: Project) -> None:
    project.write_tables()
    project.write(TAGS, "-- migrate: environments uat, production\nCREATE TABLE tags (id integer);\n")
    project.ok("migrate")
    assert TAGS not in project.applied()
    assert not project.has_table("tags")
    assert project.status()[TAGS] == "elsewhere"
    assert project.ok("status", "--check").code == 0


def test_a_rollback_script_may_be_required(project: Project) -> None:
    project.set("dev", require_rollback=True)
    project.write(USERS, "CREATE TABLE users (id integer);\n")
    assert f"{USERS}_rollback.sql" in project.refuses(6, "migrate").err
    project.write(USERS, "CREATE TABLE users (id integer);\n", "-- nothing here yet\n")
    project.refuses(6, "migrate")
    project.write(USERS, "CREATE TABLE users (id integer);\n", "DROP TABLE users;\n")
    project.ok("migrate")


@pytest.mark.parametrize(
    "lines",
    [
        "-- migrate: irreversible because the data is gone\nCREATE TABLE users (id integer);\n",
        "CREATE TABLE users (id integer);\n",
    ],
    ids=["irreversible", "nothing to undo"],
)
def test_what_says_why_it_has_no_rollback_script_is_enough(project: Project, lines: str) -> None:
    project.set("dev", require_rollback=True)
    undo = None if "irreversible" in lines else "-- migrate: nothing-to-undo because the table stays\n"
    project.write(USERS, lines, undo)
    project.ok("migrate")


# ------------------------------------------------------------------------------- transaction control


@pytest.mark.parametrize("wrapped", ["BEGIN;\n{}COMMIT;\n", "begin transaction;\n{}end;\n", "-- x\nBEGIN;{}COMMIT"])
def test_a_file_wrapped_in_its_own_begin_and_commit_runs(project: Project, wrapped: str) -> None:
    project.write_tables(USERS)
    project.write(TASKS, wrapped.format("CREATE TABLE tasks (id integer);\n"), "BEGIN;\nDROP TABLE tasks;\nCOMMIT;\n")
    project.ok("migrate")
    assert project.has_table("tasks")
    project.ok("rollback")
    assert not project.has_table("tasks")
    assert project.applied() == [USERS]


def test_a_wrapped_file_that_fails_leaves_nothing_and_points_at_the_right_line(project: Project) -> None:
    project.write(USERS, "BEGIN;\nCREATE TABLE users (id integer);\nINSERT INTO nowhere VALUES (1);\nCOMMIT;\n")
    outcome = project.run("migrate", "--json")
    assert (outcome.json["error"]["line"], outcome.json["error"]["column"]) == (3, 13)
    assert not project.has_table("users")
    assert project.applied() == []


CONTROLS = [
    ("CREATE TABLE a (id integer);\nCOMMIT;\nCREATE TABLE b (id integer);\n", 2),
    ("BEGIN;\nCREATE TABLE a (id integer);\nCOMMIT;\nCREATE TABLE b (id integer);\n", 1),
    ("BEGIN;\nCREATE TABLE a (id integer);\nCOMMIT;\nBEGIN;\nCREATE TABLE b (id integer);\nCOMMIT;\n", 3),
    ("CREATE TABLE a (id integer);\n\n\n  ROLLBACK;\n", 4),
    ("CREATE TABLE a (id integer);\nEND;\n", 2),
]


@pytest.mark.parametrize(("text", "line"), CONTROLS, ids=["alone", "after a pair", "between two pairs", "back", "end"])
def test_a_commit_in_the_middle_is_refused_with_file_and_line_before_anything_runs(
    project: Project, text: str, line: int
) -> None:
    project.write_tables(USERS)
    project.write(TASKS, text)
    outcome = project.refuses(2, "migrate")
    assert f"migrations/{TASKS}.sql:{line}:" in outcome.err
    assert project.applied() == []
    assert not project.has_table("users"), "not even the file before it ran"


@pytest.mark.postgres
@pytest.mark.parametrize(
    "statement",
    ["PREPARE TRANSACTION 'x';", "ABORT;", "COMMIT AND CHAIN;", "START TRANSACTION ISOLATION LEVEL SERIALIZABLE;"],
)
def test_every_way_to_control_a_transaction_is_refused(postgres_project: Project, statement: str) -> None:
    postgres_project.write(USERS, f"CREATE TABLE a (id integer);\n{statement}\nCREATE TABLE b (id integer);\n")
    assert f"{USERS}.sql:2:1" in postgres_project.refuses(2, "migrate").err


@pytest.mark.postgres
def test_a_commit_that_no_lexer_sees_is_refused_by_the_server(postgres_project: Project) -> None:
    postgres_project.write(
        USERS,
        "CREATE TABLE a (id integer);\n"
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;\nCALL p();\nCREATE TABLE b (id integer);\n",
    )
    outcome = postgres_project.run("migrate")
    assert outcome.code == 1
    assert postgres_project.applied() == []
    assert not postgres_project.has_table("a")


@pytest.mark.parametrize("word", ["SAVEPOINT s;\n{}RELEASE s;\n", "SAVEPOINT s;\n{}ROLLBACK TO s;\n{}"])
def test_savepoints_are_harmless(project: Project, word: str) -> None:
    project.write(USERS, word.replace("{}", "CREATE TABLE users (id integer);\n"))
    project.ok("migrate")
    assert project.has_table("users")


# ----------------------------------------------------------------------------------------- files


def test_all_wrong_files_are_reported_together(sqlite_project: Project) -> None:
    (sqlite_project.migrations / "no_number.sql").write_text("SELECT 1;\n")
    (sqlite_project.migrations / "20250101_100000_alone_rollback.sql").write_text("SELECT 1;\n")
    (sqlite_project.migrations / "20250102_100000_bytes.sql").write_bytes(b"SELECT '\xff';\n")
    (sqlite_project.migrations / "20250103_100000_nul.sql").write_bytes(b"SELECT 1;\0\n")
    outcome = sqlite_project.refuses(2, "migrate")
    for name in ("no_number", "alone_rollback", "bytes", "nul"):
        assert name in outcome.err
    assert outcome.err.count("error:") == 4
    assert "offset 8" in outcome.err


@pytest.mark.parametrize(
    ("line", "meant"),
    [("-- migrate: no-trasaction", "no-transaction"), ("-- migrate: lock-timeout", "lock-timeout")],
)
def test_a_wrong_directive_is_refused_with_its_place(sqlite_project: Project, line: str, meant: str) -> None:
    sqlite_project.write(USERS, f"-- a comment\n{line}\nCREATE TABLE users (id integer);\n")
    outcome = sqlite_project.refuses(2, "migrate")
    assert f"{USERS}.sql:2:" in outcome.err
    assert meant in outcome.err


@pytest.mark.parametrize(("mark", "tool"), [("-- migrate:up", "dbmate"), ("-- +goose Up", "goose")])
def test_a_file_of_another_tool_gets_a_plain_sentence(sqlite_project: Project, mark: str, tool: str) -> None:
    sqlite_project.write(USERS, f"{mark}\nCREATE TABLE users (id integer);\n")
    assert tool in sqlite_project.refuses(2, "migrate").err
