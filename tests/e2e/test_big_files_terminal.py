"""The progress of a long file, on a real terminal and where there is none."""

from __future__ import annotations

import re
import sys

import pytest

from tests.fixtures.cli import TASKS, USERS, Project
from tests.fixtures.terminal import rest, terminal

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.postgres,
    pytest.mark.skipif(sys.platform == "win32", reason="pexpect needs a pseudo-terminal"),
]

COLUMNS = 80
BAR = re.compile(r"\d+%  [\d.]+ \w+ of [\d.]+ \w+")
# A batch that takes longer than what lies between two looks of the bar, because the server sleeps in it.
SLOW = "SELECT pg_sleep(0.3);\n" + "".join(f"SELECT {number}; -- {'.' * 80}\n" for number in range(1000))
PIECES = 4


def on_screen(output: str) -> list[str]:
    """Return the lines a person sees after a terminal of 80 columns has obeyed the output."""
    lines, column = [""], 0
    for part in re.findall(r"\x1b\[[0-9;?]*[a-zA-Z]|\r|\n|[^\x1b\r\n]+", output):
        if part == "\r":
            column = 0
        elif part == "\n":
            lines.append("")
        elif part == "\x1b[K":
            lines[-1] = lines[-1][:column]
        elif part.startswith("\x1b"):
            assert part.endswith("m"), f"a movement this screen does not know: {part!r}"
        else:
            for character in part:
                if column == COLUMNS:
                    lines.append("")
                    column = 0
                lines[-1] = lines[-1][:column].ljust(column) + character + lines[-1][column + 1 :]
                column += 1
    return [line.rstrip() for line in lines]


def write_slow(project: Project, more: str = "") -> None:
    project.write(USERS, SLOW * PIECES + more)


def test_the_screen_of_these_tests_knows_what_a_terminal_does() -> None:
    assert on_screen("abc\rX\n12345\r\x1b[Kz\x1b[1m!\x1b[0m") == ["Xbc", "z!"]
    assert on_screen("a" * 81) == ["a" * 80, "a"]


def test_a_long_file_has_a_bar_that_is_drawn_again_and_is_gone_at_the_end(postgres_project: Project) -> None:
    write_slow(postgres_project)
    with terminal(postgres_project, "migrate", columns=COLUMNS) as child:
        output = rest(child)
    assert child.exitstatus == 0, output
    drawn = [piece for piece in output.split("\r") if BAR.search(piece)]
    assert len(drawn) >= 2, "drawn more than once"
    percents = [int(found[0]) for found in re.findall(r"(\d+)%(  )", "".join(drawn))]
    assert percents == sorted(percents)
    assert all(0 < percent < 100 for percent in percents)
    assert all("\n" not in piece for piece in drawn[:-1]), "on one line"
    assert all(len(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", piece).rstrip("\n")) < COLUMNS for piece in drawn)
    seen = on_screen(output)
    assert not any("%" in line or " of " in line for line in seen), seen
    (line,) = [line for line in seen if USERS in line and "undo" not in line]
    assert line.startswith("  applied")


def test_the_bar_gives_way_to_notices_and_comes_back(postgres_project: Project) -> None:
    notice = "DO $$ BEGIN RAISE NOTICE 'half way'; END $$;\n"
    postgres_project.write(USERS, SLOW * 3 + notice + SLOW * 3)
    with terminal(postgres_project, "migrate", columns=COLUMNS) as child:
        output = rest(child)
    assert child.exitstatus == 0, output
    at = output.index("half way")
    assert BAR.search(output[:at])
    assert BAR.search(output[at:])
    seen = on_screen(output)
    assert [line for line in seen if "half way" in line] == [
        line for line in seen if line.strip().endswith("notice: half way")
    ]
    assert not any(BAR.search(line) for line in seen), seen


def test_the_bar_gives_way_to_an_error(postgres_project: Project) -> None:
    write_slow(postgres_project, "SELECT nix;\n")
    with terminal(postgres_project, "migrate", columns=COLUMNS) as child:
        output = rest(child)
    assert child.exitstatus == 1, output
    assert BAR.search(output)
    seen = on_screen(output)
    assert not any(BAR.search(line) for line in seen), seen
    assert sum(line.startswith("error:") for line in seen) == 1
    assert any(line.endswith("SELECT nix;") for line in seen)


def test_the_bar_gives_way_to_ctrl_c(postgres_project: Project) -> None:
    write_slow(postgres_project, "SELECT pg_sleep(300);\n" * 2 + SLOW)
    with terminal(postgres_project, "migrate", columns=COLUMNS) as child:
        child.expect(BAR)
        before = str(child.before) + str(child.after)
        child.sendcontrol("c")
        output = before + rest(child)
    assert child.exitstatus == 130, output
    seen = on_screen(output)
    assert not any(BAR.search(line) for line in seen), seen
    assert any("interrupted" in line for line in seen)
    assert any(f"nothing of {USERS} was kept" in line for line in seen)


def test_the_rows_of_a_copy_move_the_bar(postgres_project: Project) -> None:
    rows = "".join(f"{number}\t{'x' * 1000}\n" for number in range(10_000))
    postgres_project.write(
        USERS,
        "CREATE FUNCTION slow(i int) RETURNS boolean LANGUAGE plpgsql AS $$\nBEGIN\n"
        "  IF i % 1000 = 0 THEN PERFORM pg_sleep(0.15); END IF;\n  RETURN true;\nEND $$;\n"
        f"CREATE TABLE t (i int CHECK (slow(i)), n text);\nCOPY t FROM stdin;\n{rows}\\.\n",
    )
    with terminal(postgres_project, "migrate", columns=COLUMNS) as child:
        output = rest(child)
    assert child.exitstatus == 0, output
    assert len(set(re.findall(r"(\d+)%  ", output))) >= 2
    assert not any(BAR.search(line) for line in on_screen(output))


def test_there_is_no_bar_under_quiet(postgres_project: Project) -> None:
    write_slow(postgres_project)
    with terminal(postgres_project, "migrate", "--quiet", columns=COLUMNS) as child:
        output = rest(child)
    assert child.exitstatus == 0, output
    assert output == ""


def test_a_short_file_has_no_bar(postgres_project: Project) -> None:
    postgres_project.write(USERS, "SELECT pg_sleep(0.6);\n")
    postgres_project.write(TASKS, "SELECT 1;\n")
    with terminal(postgres_project, "migrate", columns=COLUMNS) as child:
        output = rest(child)
    assert child.exitstatus == 0, output
    assert "%" not in output


@pytest.mark.parametrize("options", [[], ["--json"]], ids=str)
def test_without_a_terminal_nothing_is_drawn_over(postgres_project: Project, options: list[str]) -> None:
    write_slow(postgres_project)
    outcome = postgres_project.process("migrate", *options)
    assert outcome.code == 0, outcome.text
    assert "\r" not in outcome.text
    assert "\x1b" not in outcome.text
    assert outcome.err.count("\n") <= 1, "no line for every look"
    if options == ["--json"]:
        assert outcome.json["done"][0]["name"] == USERS


def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines(postgres_project: Project) -> None:
    write_slow(postgres_project)
    with terminal(postgres_project, "migrate", env={"TERM": "dumb"}, columns=COLUMNS) as child:
        output = rest(child)
    assert child.exitstatus == 0, output
    assert "\x1b" not in output
    assert "\r" not in output.replace("\r\n", "\n")
