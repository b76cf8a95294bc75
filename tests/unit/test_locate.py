"""Places in a text, as an editor counts them."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migration_manager.locate import fit, locate


def excerpt(text: str, offset: int) -> str:
    return locate((text,), offset).excerpt


TEXT = "SELECT 1;\n\n-- \u00e9 \U0001f600\nUPDATE t\n\tSET x = 1;\n"


@pytest.mark.parametrize(
    ("offset", "place"),
    [
        (0, (1, 1)),
        (8, (1, 9)),
        (9, (1, 10)),
        (10, (2, 1)),
        (14, (3, 4)),
        (17, (3, 7)),
        (18, (4, 1)),
        (10_000, (6, 1)),
        (-3, (1, 1)),
    ],
)
def test_an_offset_is_a_line_and_a_column_in_characters(offset: int, place: tuple[int, int]) -> None:
    assert locate((TEXT,), offset)[:2] == place


def test_the_caret_stands_under_the_character() -> None:
    offset = TEXT.index("SET")
    assert excerpt(TEXT, offset).split("\n") == ["4 | UPDATE t", "5 |  SET x = 1;", "  |  ^"]


def test_the_first_line_has_no_line_before_it() -> None:
    assert excerpt("SELEC 1", 0).split("\n") == ["1 | SELEC 1", "  | ^"]


def test_numbers_of_two_lengths_keep_one_gutter() -> None:
    text = "\n".join(f"line {number}" for number in range(1, 12))
    assert excerpt(text, text.index("line 10")).split("\n") == [" 9 | line 9", "10 | line 10", "   | ^"]


def test_a_long_line_is_cut_around_the_caret() -> None:
    text = "x" * 500 + "HERE" + "y" * 1_000_000
    lines = fit(excerpt(text, 500), str, 60)
    assert max(map(len, lines)) <= 60
    assert lines[0][lines[1].index("^")] == "H"


def test_a_secret_is_taken_out_before_a_line_is_cut() -> None:
    text = "INSERT INTO t VALUES ('" + "a" * 40 + "s3cret-that-is-long" + "');"
    shown = excerpt(text, 3)
    for width in range(30, 120):
        fitted = fit(shown, lambda line: line.replace("s3cret-that-is-long", "***"), width)
        assert not any("s3c" in line for line in fitted)
        assert not any("^" in line for line in fitted), "the caret would stand wrong"


@given(
    text=st.lists(st.sampled_from(["a", "\n", "\t", "\u00e9", "x" * 700, "y" * 70_000]), max_size=12).map("".join),
    chunk=st.integers(1, 900),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_chunks_make_no_difference_to_a_place(text: str, chunk: int, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    chunks = [text[start : start + chunk] for start in range(0, len(text), chunk)]
    whole, found = locate((text,), offset), locate(chunks, offset)
    assert (found.line, found.column) == (text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))
    assert found[:2] == whole[:2]
    assert found.excerpt.split("\n")[-2:] == whole.excerpt.split("\n")[-2:]


def test_a_place_is_found_without_holding_a_long_text() -> None:
    def chunks() -> Iterator[str]:
        for number in range(10_000):
            yield f"INSERT INTO t VALUES ({number}, '{'x' * 200}');\n"

    expected = locate(("".join(chunks()),), 2_000_000)
    tracemalloc.start()
    try:
        assert locate(chunks(), 2_000_000) == expected
        assert tracemalloc.get_traced_memory()[1] < 300_000
    finally:
        tracemalloc.stop()
    assert expected.line > 5_000
