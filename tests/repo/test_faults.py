"""The table of faults, held against the code: every number once, every test there, every gap with its reason."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import typer.main

from migration_manager.cli.app import app

REPOSITORY = Path(__file__).parents[2]
TABLE = REPOSITORY / "tests" / "FAULTS.md"

# The first and the last number of each class, in its order.
CLASSES = {
    "C1": (1, 30), "C2": (31, 48), "C3": (49, 63), "C4": (64, 70), "C5": (71, 84), "C6": (85, 100), "C7": (101, 117),
    "C8": (118, 146), "C9": (147, 168), "C10": (169, 183), "C11": (184, 202), "C12": (203, 212), "C13": (213, 225),
    "C14": (226, 245), "C15": (246, 258),
}  # fmt: skip
TEST = re.compile(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")
WAITS_FOR = re.compile(r"[Ww]aits for (?:fleets of targets|`([a-z]+)`)")
ELSEWHERE = re.compile(r"`(tests/[a-z0-9_/]+\.py)`")  # a file that is to come


@dataclass(frozen=True)
class Row:
    """One fault of the table."""

    where: str  # its class
    number: str
    fault: str
    expected: str
    covered: str

    @property
    def tests(self) -> list[tuple[str, str]]:
        return TEST.findall(self.covered)

    @property
    def reason(self) -> str:
        """What is said beside the tests."""
        return TEST.sub("", self.covered).strip(" ,.")


@cache
def rows() -> tuple[Row, ...]:
    found, where = [], ""
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            where = line.split()[1]
        elif re.match(r"\| [0-9]", line):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            assert len(cells) == 4, line
            found.append(Row(where, *cells))
    return tuple(found)


@cache
def names_of(path: str) -> frozenset[str]:
    """Return the tests of a file, by its text: nothing is collected."""
    tree = ast.parse((REPOSITORY / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@cache
def commands() -> frozenset[str]:
    return frozenset(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def test_every_number_is_there_once_and_in_its_class() -> None:
    wanted = [(name, str(number)) for name, (first, last) in CLASSES.items() for number in range(first, last + 1)]
    wanted.insert(wanted.index(("C2", "42")) + 1, ("C2", "42b"))
    assert [(row.where, row.number) for row in rows()] == wanted


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.number)
def test_a_row_names_tests_that_are_there_or_says_why_there_is_none(row: Row) -> None:
    assert row.fault
    assert row.expected
    for path, name in row.tests:
        assert name in names_of(path), f"{path} has no {name}"
    assert len(set(row.tests)) == len(row.tests)
    assert row.tests or len(row.reason.split()) >= 3, "neither a test nor a reason"


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.number)
def test_a_reason_ends_when_what_it_waits_for_is_there(row: Row) -> None:
    for command in WAITS_FOR.findall(row.reason):
        assert command not in commands(), f"`{command}` is there: name the tests"
    for path in ELSEWHERE.findall(row.reason):
        assert not (REPOSITORY / path).exists(), f"{path} is there: name its tests"
