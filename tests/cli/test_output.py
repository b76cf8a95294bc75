"""What is shown: quiet, colour, JSON's shape, and text of others that is shown literally and drives no terminal."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.fixtures.cli import FILES, NOTES, TAGS, TASKS, USERS, Project, on_sqlite

ESCAPE = "\x1b"
HOSTILE = "[b]bold[/b] arr[a] [/x] [red]'[/x]' {curly} %s %(name)s :name ${NOT} \\n"

# ------------------------------------------------------------------------------------------- streams


def test_results_go_to_standard_output_and_messages_to_standard_error(project: Project) -> None:
    project.write_tables()
    outcome = project.ok("migrate")
    assert USERS in outcome.out
    assert outcome.err == ""
    project.break_file(FILES)
    project.ok("forget", "--name", FILES)
    failed = project.run("migrate")
    assert failed.code == 1
    assert "error:" not in failed.out
    assert "error:" in failed.err


@pytest.mark.parametrize(
    "typed", [["migrate"], ["status"], ["history"], ["verify"], ["migrate", "--dry-run"]], ids=" ".join
)
@on_sqlite
def test_quiet_says_nothing_when_all_is_well(project: Project, typed: list[str]) -> None:
    project.write_tables()
    project.ok("migrate", "--steps", "4")
    outcome = project.ok(*typed, "--quiet")
    assert outcome.text == ""


def test_quiet_still_tells_warnings_and_errors(project: Project) -> None:
    project.write(USERS, "-- nothing\n", "-- migrate: nothing-to-undo because it is empty\n")
    assert "warning" in project.ok("migrate", "--quiet").err
    project.write(TASKS, "INSERT INTO nowhere VALUES (1);\n")
    outcome = project.run("migrate", "--quiet")
    assert f"{TASKS}.sql:1:13" in outcome.err
    assert outcome.out == ""


@on_sqlite
def test_json_is_one_document_and_nothing_else_even_when_quiet(project: Project) -> None:
    project.write_tables()
    assert len(project.ok("migrate", "--json", "--quiet").json["done"]) == 5


@on_sqlite
def test_verbose_says_more(project: Project) -> None:
    project.write_tables()
    outcome = project.ok("migrate", "--verbose")
    assert "running" in outcome.err
    assert "1 of 5" in outcome.err


@pytest.mark.parametrize("options", [[], ["--no-color"], ["--verbose"], ["--json"]], ids=lambda o: " ".join(o) or "-")
@pytest.mark.parametrize(
    "variables", [{}, {"FORCE_COLOR": "1", "TERM": "xterm-256color", "CLICOLOR_FORCE": "1"}], ids=["", "forced"]
)
@on_sqlite
def test_piped_output_has_no_escape(project: Project, options: list[str], variables: dict[str, str]) -> None:
    project.write_tables()
    project.break_file(FILES)
    for typed in (["migrate", "--dry-run"], ["migrate"], ["status"], ["history"], ["verify"], ["config"], ["rollback"]):
        outcome = project.run(*typed, *options, env=variables)
        assert ESCAPE not in outcome.text, typed


# -------------------------------------------------------------------------------------------- JSON


def shape(value: object) -> Any:
    """Return a document's keys, of a list its first item's."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value and isinstance(value[0], dict) else []
    return None


ERROR = {"kind": None, "message": None, "hint": None, "state": None, "exit_code": None}
DATABASE = dict.fromkeys(("engine", "version", "server", "database", "user", "role", "read_only"))
STANDING = dict.fromkeys(
    ("name", "status", "out_of_order", "applied_at", "applied_by", "execution_ms", "run_id", "progress", "note")
)
LOG_ROW = dict.fromkeys((
    "id", "at", "name", "action", "outcome", "environment", "run_id", "execution_ms", "database_user", "os_user",
    "host", "tool_version", "git_commit", "ci_run", "sqlstate", "error", "reason", "note",
))  # fmt: skip
DONE = dict.fromkeys(("name", "action", "execution_ms", "rows_selected", "tries"))
UNDONE: dict[str, Any] = {"touching_the_same": [], "touching_unknown": [], "undoes_run": None, "plan": None}
RUN = {
    "environment": None,
    "run_id": None,
    "done": [DONE],
    "not_reached": [],
    "left": [],
    "warnings": [],
    "schema_file": None,
    **UNDONE,
}
PREVIEW: dict[str, Any] = {
    "environment": None,
    "dry_run": None,
    "would_do": [
        {
            **dict.fromkeys(("name", "action", "path", "checksum", "transaction", "statement_count", "loss_count")),
            "statements": [],
            "loses": [{"line": None, "what": None}],
        }
    ],
    "staying_applied_after": [],
    "warnings": [],
    **UNDONE,
}
DIFFERENCE = dict.fromkeys(("name", "path", "which", "cosmetic", "diff"))

DOCUMENTS = [
    (["status"], {"environment": None, "stamped": None, "database": DATABASE, "counts": {"applied": None},
                  "migrations": [STANDING], "running": None, "warnings": []}),
    (["blockers"], {"environment": None, "database": DATABASE, "running": [], "waiting": [], "open_transactions": [],
                    "hint": None}),
    (["migrate", "--dry-run"], {**PREVIEW, "would_do": []}),
    (["migrate"], {**RUN, "done": []}),
    (["rollback", "--dry-run"], PREVIEW),
    (["rollback"], RUN),
    (["forget", "--name", USERS], RUN),
    (["history"], {"environment": None, "log": [LOG_ROW]}),
    (["verify"], {"environment": None, "checked": None, "differences": [], "missing": [], "unfinished": []}),
    (["config"], {"environment": None, "settings": [dict.fromkeys(("key", "value", "origin"))], "problems": []}),
    (["create", "one"], dict.fromkeys(("name", "migration", "rollback"))),
    (["init"], {"files": [dict.fromkeys(("path", "written"))]}),
    (["db", "url"], dict.fromkeys(("environment", "url"))),
    (["db", "wait"], dict.fromkeys(("environment", "result", "changed"))),
    (["rollback", "--name", "nonsense"], {"error": ERROR}),
    (["rollback", "--steps", "0"], {"error": ERROR}),
    (["migrate", "--to", "create"], {"error": {**ERROR, "candidates": []}}),
    (["status", "--env", "nowhere"], {"error": {**ERROR, "problems": []}}),
    (["rollback", "--env", "uat"], {"error": ERROR}),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "expected"), DOCUMENTS, ids=[" ".join(row[0]) for row in DOCUMENTS])
@on_sqlite
def test_a_json_document_has_these_keys(applied: Project, typed: list[str], expected: object) -> None:
    outcome = applied.run(*typed, "--json")
    found = shape(outcome.json)
    assert found == expected
    if isinstance(found, dict) and "error" in found:
        assert outcome.json["error"]["exit_code"] == outcome.code


def test_every_failure_has_its_json_document(project: Project) -> None:
    failed: dict[str, Any] = {**ERROR, **dict.fromkeys((
        "path", "line", "column", "excerpt", "name", "sqlstate", "server_message", "detail", "server_hint", "context",
        "run_id", "tries")), "done": [], "not_reached": [], "blocked_by": []}  # fmt: skip
    project.write(USERS, "INSERT INTO nowhere VALUES (1);\n")
    assert shape(project.run("migrate", "--json").json) == {"error": failed}
    project.write(USERS, "CREATE TABLE users (id integer);\nCOMMIT;\nSELECT 1;\n")
    in_file = {**ERROR, **dict.fromkeys(("path", "line", "column", "excerpt"))}
    assert shape(project.run("migrate", "--json").json) == {"error": in_file}
    (project.migrations / "a.sql").write_text("")
    (project.migrations / "b.sql").write_text("")
    assert shape(project.run("migrate", "--json").json) == {"error": {**ERROR, "problems": [in_file]}}


def test_a_history_error_as_json_has_the_names(applied: Project) -> None:
    applied.file(TAGS).write_text("SELECT 1;\n")
    assert applied.run("migrate", "--json").json["error"]["names"] == [TAGS]
    applied.delete(NOTES)
    differences = applied.run("verify", "--json").json
    assert shape(differences["differences"]) == [DIFFERENCE]
    assert differences["missing"] == [NOTES]


@pytest.mark.parametrize(
    "typed", [["migrate", "--steps", "few"], ["migrate", "--fast"], ["migrat"], ["forget"]], ids=" ".join
)
def test_a_wrong_option_under_json_leaves_standard_output_to_documents(
    sqlite_project: Project, typed: list[str]
) -> None:
    outcome = sqlite_project.run(*typed, "--json")
    assert outcome.code == 2
    assert outcome.out == "" or outcome.json["error"]["exit_code"] == 2
    assert outcome.err


def test_a_question_to_nobody_under_json_is_a_document_too(project: Project) -> None:
    project.write_tables()
    error = project.refuses(6, "migrate", "--env", "production", "--json").json["error"]
    assert error["kind"] == "GuardRefused"
    assert error["state"] == "nothing was changed"


@on_sqlite
def test_times_are_in_utc_and_iso_8601(applied: Project) -> None:
    for row in applied.ok("history", "--json").json["log"]:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00", row["at"])


# -------------------------------------------------------------------------- text that is not ours


def test_brackets_in_sql_are_shown_literally(project: Project) -> None:
    line = f"INSERT INTO nowhere VALUES ('{HOSTILE.replace(chr(39), chr(39) * 2)}');"
    project.write(USERS, line + "\n", "SELECT 1;\n")
    assert line in project.ok("migrate", "--dry-run").out
    outcome = project.run("migrate")
    assert outcome.code == 1
    assert line[:60] in outcome.err, "a long line is cut around the place"


def test_brackets_in_a_diff_and_a_reason_are_shown_literally(project: Project) -> None:
    project.write(USERS, "CREATE TABLE users (id integer);\n", "DROP TABLE users;\n")
    project.ok("migrate")
    project.file(USERS).write_text(f"CREATE TABLE users (id integer); -- {HOSTILE}\n")
    assert f"+CREATE TABLE users (id integer); -- {HOSTILE}" in project.ok("verify").out
    project.ok("repair", "--all", "--reason", HOSTILE)
    assert f"reason: {HOSTILE}" in project.ok("history").out


def test_escapes_in_sql_do_not_reach_the_terminal(project: Project) -> None:
    project.write(
        USERS, f"INSERT INTO nowhere VALUES ('{ESCAPE}[31mred{ESCAPE}]0;title\x07 \x9b2J \u202e');\n", "SELECT 1;\n"
    )
    for typed in (["migrate", "--dry-run"], ["migrate"], ["history"], ["status"]):
        shown = project.run(*typed).text
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown), typed
    assert "\\x1b[31mred" in project.run("migrate").err


@pytest.mark.postgres
def test_notices_and_errors_of_the_server_are_shown_literally_and_drive_no_terminal(postgres_project: Project) -> None:
    postgres_project.write(
        USERS,
        "DO $$ BEGIN\n"
        "  RAISE NOTICE '[b]n[/b] arr[a] %', chr(27) || '[2J';\n"
        "  RAISE WARNING '[/x] %', chr(7);\n"
        "  RAISE EXCEPTION '[red]e[/red] %', chr(27) || ']0;owned' USING DETAIL = '[b]d ' || chr(27), HINT = '[i]h';\n"
        "END $$;\n",
        "SELECT 1;\n",
    )
    outcome = postgres_project.run("migrate")
    assert ESCAPE not in outcome.text
    assert "\x07" not in outcome.text
    for text in ("notice: [b]n[/b] arr[a] \\x1b[2J", "warning: [/x] \\x07", "[red]e[/red] \\x1b]0;owned",
                 "detail: [b]d \\x1b", "server hint: [i]h"):  # fmt: skip
        assert text in outcome.err, text
    history = postgres_project.ok("history").out
    assert ESCAPE not in history
    assert "[red]e[/red]" in history


@pytest.mark.postgres
def test_an_identifier_of_any_characters_is_shown_escaped(postgres_project: Project) -> None:
    postgres_project.write(
        USERS, f'CREATE TABLE "[b]{ESCAPE}[1m" (id integer);\nINSERT INTO "[b]{ESCAPE}[1m" (x) VALUES (1);\n'
    )
    outcome = postgres_project.run("migrate")
    assert ESCAPE not in outcome.text
    assert "[b]\\x1b[1m" in outcome.err


@on_sqlite
def test_hostile_names_from_the_command_line_are_escaped(applied: Project) -> None:
    for typed in (["rollback", "--name", f"{ESCAPE}[2J[b]"], ["status", "--env", f"{ESCAPE}[2J"],
                  ["history", "--name", f"x{ESCAPE}]0;t\x07"]):  # fmt: skip
        outcome = applied.run(*typed)
        assert outcome.code == 2
        assert ESCAPE not in outcome.text, typed


def test_a_file_with_a_hostile_name_is_named_escaped(sqlite_project: Project) -> None:
    (sqlite_project.migrations / f"20250101_100000_{ESCAPE}[2J[b].sql").write_text("SELECT 1;\n")
    outcome = sqlite_project.run("migrate")
    assert outcome.code == 2
    assert ESCAPE not in outcome.text
    assert "[2J[b].sql" in outcome.err


def test_a_hostile_environment_of_the_process_is_escaped_in_history(project: Project) -> None:
    project.write_tables(USERS)
    project.ok("migrate", env={"LOGNAME": f"{ESCAPE}[31meve[b]", "GIT_COMMIT": f"{ESCAPE}[31m"})
    shown = project.ok("history").out
    assert ESCAPE not in shown
    assert "eve[b]" in shown


def test_json_escapes_what_it_must(project: Project) -> None:
    project.write(USERS, f"INSERT INTO nowhere VALUES ('{ESCAPE}[31m \u202e \x7f');\n")
    outcome = project.run("migrate", "--json")
    assert f"{ESCAPE}[31m \u202e \x7f" in outcome.json["error"]["excerpt"], "it is data, and comes back unchanged"
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", outcome.out)


@on_sqlite
def test_umlauts_and_other_scripts_are_shown_as_they_are(project: Project) -> None:
    project.write(USERS, "CREATE TABLE users (größe integer); -- 日本語 😀\n", "DROP TABLE users;\n")
    assert "CREATE TABLE users (größe integer); -- 日本語 😀" in project.ok("migrate", "--dry-run").out
    assert project.ok("migrate", "--dry-run", "--json").json["would_do"][0]["statements"] == [
        "CREATE TABLE users (größe integer);"
    ]
