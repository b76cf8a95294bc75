"""A slice of the fuzz run in every test run: always the same inputs, and some that nobody has seen before."""

from __future__ import annotations

import os
import random

import pytest

from migration_manager import sqltext
from migration_manager.model import Dialect
from migration_manager.sqltext import SqlTextError
from tests.fuzz import fuzz_sqltext
from tests.fuzz.fuzz_sqltext import BrokenPromise, check, check_long, minimised, run
from tests.fuzz.hostile_sql import HostileSql, corpus

SECONDS = 3.0  # at most, whatever the machine
NEW_SEED = int(os.environ.get("HOSTILE_SQL_SEED") or random.SystemRandom().randrange(10**9))


@pytest.mark.parametrize("seed", [pytest.param(1, id="fixed"), pytest.param(NEW_SEED, id="new")])
def test_hostile_text_breaks_no_promise(seed: int) -> None:
    tally = run(2500, seed, SECONDS)
    print(f"HOSTILE_SQL_SEED={seed}", dict(tally.seen))
    assert tally.failure is None, f"HOSTILE_SQL_SEED={seed}: {tally.failure}"
    assert tally.seen["postgresql, accepted"] > 50
    assert tally.seen["postgresql, refused"] > 50
    assert tally.seen["sqlite, accepted"] > 20


@pytest.mark.parametrize("name", corpus())
def test_the_corpus_breaks_no_promise(name: str) -> None:
    text = corpus()[name]
    for seed in range(5):  # chunks and sizes of other lengths
        assert check(text, Dialect.POSTGRESQL, HostileSql(seed)) == "accepted"
        check(text, Dialect.SQLITE, HostileSql(seed, Dialect.SQLITE))


# Each of these is read again and again, or looks ahead for something that never comes.
REPEATED = [
    *(
        "\\restrict a\n",
        "(",
        ")",
        "'",
        "''",
        "E''--\n",
        "E'a'\n",
        "/*",
        "/**/",
        "--\n",
        "$a$",
        "$a",
        "a$a$",
        "$1",
        "1'",
    ),
    *(
        ";",
        ";;a",
        "a;",
        ".1;",
        "a ",
        "\\'",
        "E'\\'",
        '"',
        "[",
        "`",
        "CREATE FUNCTION BEGIN ATOMIC;END;",
        "COPY t FROM a;",
    ),
    *(
        "SET a=b;",
        "BEGIN;",
        "(a;",
        "-",
        "/",
        "a/**/",
        "'a'\n",
        "x'",
        "RESET ALL;",
        "COPY a FROM stdin;\n\\.\n",
        "\\.\n",
    ),
]


@pytest.mark.parametrize("before", ["", "SELECT ", "CREATE FUNCTION f() BEGIN ATOMIC ", "COPY t FROM stdin;\n"])
@pytest.mark.parametrize("dialect", list(Dialect), ids=str)
def test_a_text_takes_as_long_as_it_is_long(before: str, dialect: Dialect) -> None:
    for piece in REPEATED:
        check_long(before, piece, dialect, length=1_000)


@pytest.mark.parametrize(
    ("piece", "dialect"),
    [
        *((piece, Dialect.POSTGRESQL) for piece in ("\\restrict a\n", "COPY a FROM stdin;\n\\.\n", "SET a = b;\n")),
        *((piece, Dialect.SQLITE) for piece in (".1;", "a;", ";")),
    ],
)
def test_a_long_text_is_copied_a_few_times_only(piece: str, dialect: Dialect) -> None:
    """What is quick, but done to all that follows for each statement, shows in long texts only."""
    check_long("", piece, dialect, length=25_000)


def test_a_failure_is_found_minimised_and_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    real = sqltext.split

    def broken(text: str, dialect: Dialect) -> object:
        if "$$" in text and "(" in text:
            raise KeyError("oops")
        return real(text, dialect)

    monkeypatch.setattr(fuzz_sqltext, "split", broken)
    tally = run(1000, 1)
    assert tally.failure is not None
    assert "KeyError" in tally.failure
    assert "'($$'" in tally.failure or "'$$('" in tally.failure


def test_a_wrong_piece_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = sqltext.stream

    def broken(*arguments: object) -> object:
        yield from list(real(*arguments))[:-1]  # type: ignore[arg-type]

    monkeypatch.setattr(fuzz_sqltext, "stream", broken)
    with pytest.raises(BrokenPromise, match="the pieces are the whole text"):
        check("SELECT 1; SELECT 2", Dialect.POSTGRESQL, HostileSql(1))


def test_an_error_outside_of_the_text_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(text: str, dialect: Dialect) -> object:
        raise SqlTextError(len(text), "what")

    monkeypatch.setattr(fuzz_sqltext, "split", broken)
    with pytest.raises(BrokenPromise, match="inside the text"):
        check("SELECT '", Dialect.POSTGRESQL, HostileSql(1))


def test_the_same_seed_makes_the_same_texts() -> None:
    for dialect in Dialect:
        one, two, other = HostileSql(7, dialect), HostileSql(7, dialect), HostileSql(8, dialect)
        texts = [one.any() for _ in range(50)]
        assert texts == [two.any() for _ in range(50)]
        assert texts != [other.any() for _ in range(50)]


def test_minimising_keeps_what_fails() -> None:
    assert minimised("SELECT a, b FROM c", lambda text: "a" in text and "c" in text) == "ac"
