"""What squawk is given of a file stands where it stands in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from migration_manager import linting
from migration_manager.model import Dialect
from migration_manager.script import examine
from migration_manager.textfile import read_source
from tests.fixtures.cli import REPOSITORY
from tests.fixtures.files import source

DATA = REPOSITORY / "tests" / "data"
FILES = sorted([*DATA.glob("hard_sql/*.sql"), *DATA.glob("corpus/*.sql"), *DATA.glob("dumps/*.sql")])


def page_of(path: Path | None, text: str = "") -> tuple[linting._Page, str]:
    read = source(text) if path is None else read_source(path, path.name)
    page = linting._Page(read.path, rollback=False)
    page.script, _ = examine(read, Dialect.POSTGRESQL, rollback=False)
    if page.script is not None:
        linting._read(page, page.script)
    return page, read.text


def same_places(page: linting._Page, text: str) -> int:
    """Check that each statement begins at the line and column where the file has it; return how many there are."""
    lines, copied = text.split("\n"), page.text
    for number, span in enumerate(page.spans):
        line = copied.count("\n", 0, span.start)
        column = span.start - (copied.rfind("\n", 0, span.start) + 1)
        head = copied[span.start : span.end].split("\n")[0][:12]
        assert lines[line][column:].startswith(head), (line + 1, column + 1, head)
        assert span.line == line + 1
        assert page.span_at(line, column) == number
    return len(page.spans)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DATA)))
def test_no_statement_moves(path: Path) -> None:
    page, text = page_of(path)
    same_places(page, text)


def test_most_of_these_files_are_given_to_squawk() -> None:
    counts = [same_places(*page_of(path)) for path in FILES]
    assert sum(count > 0 for count in counts) > 0.9 * len(counts)
    assert sum(counts) > 4000


def test_no_statement_moves_in_a_long_file_whose_rows_are_left_out() -> None:
    row = "  INSERT INTO t VALUES\n    ('x');  INSERT INTO t VALUES (2);\n"
    text = "SELECT 1;\n" + row * 20_000 + "  INSERT INTO t VALUES (3); SELECT 2; /* x */\n" + row + "\tSELECT 3;"
    page, _ = page_of(None, text)
    assert same_places(page, text) == 3
    assert len(page.text) < len(text) / 10


def test_a_statement_that_is_taken_out_moves_no_other() -> None:
    text = "SELECT 1; SELECT\n 2; SELECT 3;\n"
    page, _ = page_of(None, text)
    page.blank(1)
    assert page.text == "SELECT 1;       \n    SELECT 3;"
    assert page.span_at(1, 4) == 2


def test_what_stands_before_every_statement_is_in_none() -> None:
    page, _ = page_of(None, "-- squawk-ignore x\n\n  SELECT 1;\n")
    assert page.span_at(0, 3) is None
    assert page.span_at(2, 2) == 0
