"""On a real terminal: the question of a protected environment, colours, and what Ctrl-C does there."""

from __future__ import annotations

import re
import sys

import pexpect
import pytest

from tests.fixtures.cli import FIVE, Project, on_sqlite
from tests.fixtures.terminal import rest, terminal

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform == "win32", reason="pexpect needs a pseudo-terminal"),
]

PROMPT = "Type the database's name to go on: "


def shown_before(child: pexpect.spawn[str]) -> str:
    """Return what was shown before the question."""
    return plain(str(child.before))


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).replace("\r", "")


def test_typing_the_databases_name_runs(project: Project) -> None:
    project.write_tables()
    with terminal(project, "migrate", "--env", "production") as child:
        child.expect_exact(PROMPT)
        shown = shown_before(child)
        for fact in ("production is protected.", project.database, *FIVE):
            assert fact in shown
        assert project.applied() == [], "nothing happens before the answer"
        child.sendline(project.database)
        text = plain(rest(child))
    assert child.exitstatus == 0, text
    assert "5 applied" in text
    assert project.applied() == list(FIVE)


@pytest.mark.parametrize("answer", ["no", "production", ""])
@on_sqlite
def test_a_wrong_name_refuses(project: Project, answer: str) -> None:
    project.write_tables()
    with terminal(project, "migrate", "--env", "production") as child:
        child.expect_exact(PROMPT)
        child.sendline(answer)
        text = plain(rest(child))
    assert child.exitstatus == 6
    assert "not confirmed" in text
    assert project.applied() == []


@pytest.mark.parametrize("key", ["c", "d"])
def test_ctrl_c_and_the_end_of_input_refuse(project: Project, key: str) -> None:
    project.write_tables()
    with terminal(project, "migrate", "--env", "production") as child:
        child.expect_exact(PROMPT)
        child.sendcontrol(key)
        text = plain(rest(child))
    assert child.exitstatus in ((6, 130) if key == "c" else (6,)), text
    assert "nothing was changed" in text
    assert "Traceback" not in text
    assert project.applied() == []


def test_state_changed_while_the_prompt_was_open_is_shown_and_asked_again(project: Project) -> None:
    project.write_tables()
    with terminal(project, "migrate", "--env", "production") as child:
        child.expect_exact(PROMPT)
        assert "5 files" in shown_before(child)
        project.ok("migrate", "--steps", "2", "--env", "production", "--yes", "--confirm", project.database)
        child.sendline(project.database)
        child.expect_exact(PROMPT)
        again = shown_before(child)
        assert "the database changed meanwhile" in again
        assert "3 files" in again
        assert FIVE[0] not in again
        child.sendline(project.database)
        text = plain(rest(child))
    assert child.exitstatus == 0, text
    assert project.applied() == list(FIVE)
    assert len(project.log("id")) == 6


def test_the_prompt_holds_no_lock(project: Project) -> None:
    project.write_tables()
    confirmed = ("--env", "production", "--yes", "--confirm", project.database)
    with terminal(project, "migrate", "--env", "production") as child:
        child.expect_exact(PROMPT)
        project.ok("migrate", "--lock-wait", "0s", *confirmed)
        child.sendline(project.database)
        text = plain(rest(child))
    assert child.exitstatus == 0
    assert "another run has done it meanwhile" in text


def test_drop_asks_on_a_terminal(sqlite_project: Project) -> None:
    sqlite_project.write_tables()
    sqlite_project.ok("migrate")
    with terminal(sqlite_project, "db", "drop") as child:
        child.expect_exact(PROMPT)
        child.sendline("no")
        rest(child)
    assert child.exitstatus == 6
    with terminal(sqlite_project, "db", "drop") as child:
        child.expect_exact(PROMPT)
        child.sendline(sqlite_project.database)
        rest(child)
    assert child.exitstatus == 0
    assert sqlite_project.applied() == []


# -------------------------------------------------------------------------------------------- colour


@pytest.mark.parametrize("typed", [["status"], ["migrate", "--dry-run"], ["migrate"]], ids=" ".join)
def test_a_terminal_gets_colour(sqlite_project: Project, typed: list[str]) -> None:
    sqlite_project.write_tables()
    with terminal(sqlite_project, *typed) as child:
        assert "\x1b[" in rest(child)


@pytest.mark.parametrize(
    ("options", "env"),
    [(["--no-color"], {}), ([], {"NO_COLOR": "1"}), ([], {"TERM": "dumb"})],
    ids=["--no-color", "NO_COLOR", "TERM=dumb"],
)
def test_a_terminal_gets_no_colour_when_none_is_wanted(
    sqlite_project: Project, options: list[str], env: dict[str, str]
) -> None:
    sqlite_project.write_tables()
    for typed in (["migrate", "--dry-run"], ["status"]):
        with terminal(sqlite_project, *typed, *options, env=env) as child:
            assert "\x1b" not in rest(child)


def test_brackets_are_literal_on_a_terminal_too(sqlite_project: Project) -> None:
    sqlite_project.write(FIVE[0], "CREATE TABLE a (b text DEFAULT '[b]x[/b] arr[a] [/x]');\n", "DROP TABLE a;\n")
    with terminal(sqlite_project, "migrate", "--dry-run") as child:
        assert "'[b]x[/b] arr[a] [/x]'" in plain(rest(child))
    sqlite_project.write(FIVE[0], "SELECT '[/x] [b]' FROM nowhere;\n", "SELECT 1;\n")
    with terminal(sqlite_project, "migrate") as child:
        assert "'[/x] [b]' FROM nowhere" in plain(rest(child))


def test_long_lines_of_sql_are_not_cut_off(sqlite_project: Project) -> None:
    line = "SELECT " + ", ".join(f"'value number {number}'" for number in range(40)) + ";"
    sqlite_project.write(FIVE[0], line + "\n", "SELECT 1;\n")
    with terminal(sqlite_project, "migrate", "--dry-run", columns=60) as child:
        assert line in plain(rest(child)).replace("\n", "")


def test_status_sums_up_a_long_history_on_a_terminal_only(sqlite_project: Project) -> None:
    names = [f"2025{number:04d}_create_t{number}" for number in range(1001, 1031)]
    for name in names:
        sqlite_project.write(name.replace("2025", "", 1), "SELECT 1;\n", "SELECT 1;\n")
    sqlite_project.ok("migrate")
    with terminal(sqlite_project, "status") as child:
        shown = plain(rest(child))
    assert "26 more applied" in shown
    assert shown.count("_create_t") < 10
    assert sqlite_project.ok("status").out.count("_create_t") == 30


@on_sqlite
def test_a_proof_says_on_a_terminal_which_of_how_many_is_tried(project: Project) -> None:
    project.write_tables()
    with terminal(project, "prove") as child:
        text = plain(rest(child))
    assert child.exitstatus == 0, text
    assert re.search(r"proving {2}\[ {20}\] 1 of 5 {2}20250101_100000_create_users", text)
    assert re.search(r"proving {2}\[#{16} {4}\] 5 of 5 {2}", text)
    last_line = text.rstrip().splitlines()[-1]
    assert last_line.startswith("5 migrations: 5 restored.")
