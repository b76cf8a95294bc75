"""Feeds the lexer with hostile text and checks what it promises for every text there is.

    python tests/fuzz/fuzz_sqltext.py --inputs 1000000 --seed 1 --jobs 2

An input that breaks a promise is made as short as it can be and printed; then the exit code is 1.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final

if __name__ == "__main__":  # as a script: the package and the tests are found from the repository
    sys.path.insert(0, str(Path(__file__).parents[2]))

from migration_manager.model import Dialect, Statement
from migration_manager.sqltext import (
    Kind,
    Rows,
    Sql,
    SqlTextError,
    copy_direction,
    copy_format,
    refuses_transaction,
    split,
    stream,
    tokens,
    tokens_at,
    without_comments,
)
from tests.fuzz.hostile_sql import HostileSql

BLANKS: Final = " \t\n\r\f\v"
SECONDS: Final = 0.5  # of the processor, for an input of a few hundred characters
_LINE_END: Final = re.compile(r"[\n\r]")
_LINE_FEED: Final = re.compile("\n")
_PSQL_LINE: Final = re.compile(r"\\(un)?restrict[ \t]+[A-Za-z0-9]+[ \t\r]*$", re.MULTILINE)
LONG: Final = 20_000  # characters of a text whose time is compared with that of longer ones
_LONG_EVERY: Final = 4_000  # inputs


class BrokenPromise(AssertionError):
    """What the lexer promises does not hold for an input."""


def _check(holds: object, promise: str, *shown: object) -> None:
    if not holds:
        raise BrokenPromise(": ".join([promise, *map(repr, shown)]))


# ---------------------------------------------------------------------------------- what holds for every text


def check(text: str, dialect: Dialect, generator: HostileSql) -> str:
    """Check all promises for a text; return what became of it. Raises `BrokenPromise`, or what the lexer raises."""
    began = time.process_time()
    error: SqlTextError | None = None
    found: tuple[Statement, ...] = ()
    try:
        found = split(text, dialect)
    except SqlTextError as refused:
        error = refused
        _check(0 <= error.offset < len(text), "an error is inside the text", error.offset)
        _check(error.message, "an error says what is wrong")
    _check(time.process_time() - began < SECONDS, "a short text takes no time", time.process_time() - began)

    whole = _check_pieces(text, dialect, [text], len(text) + 1, (found, error))
    longest = generator.random.choice((1, 7, 64, 65536))
    _check_pieces(text, dialect, generator.chunks(text), longest, (found, error))
    _check_statements(text, dialect, found)
    for piece in whole:
        if isinstance(piece, Sql):
            _check_tokens_at(piece, dialect, generator.random)
    without_comments(text, dialect)
    return "refused" if error else "accepted"


def _check_pieces(
    text: str,
    dialect: Dialect,
    chunks: Sequence[str],
    size: int,
    said: tuple[tuple[Statement, ...], SqlTextError | None],
) -> list[Sql | Rows]:
    """Check the pieces of a text that comes in chunks against what `split` has said of it."""
    found, error = said
    pieces: list[Sql | Rows] = []
    refused: SqlTextError | None = None
    try:
        pieces.extend(_collected(chunks, dialect, size, pieces))
    except SqlTextError as raised:
        refused = raised
    same = (error is None) == (refused is None)
    if error is not None and refused is not None:
        same = (error.offset, error.message, error.hint) == (refused.offset, refused.message, refused.hint)
    _check(same, "chunks make no difference to an error", chunks, size, error, refused)

    position = 0
    statements: list[Statement] = []
    rows_follow = False
    for piece in pieces:
        _check(piece.text, "no piece is empty", chunks, size)
        _check(piece.start == position, "pieces follow one another", chunks, size, piece)
        _check(text.startswith(piece.text, position), "pieces are the text", chunks, size, piece)
        _check(piece.line == text.count("\n", 0, position) + 1, "a piece knows its line", chunks, size, piece)
        position += len(piece.text)
        if isinstance(piece, Rows):
            _check(rows_follow, "rows follow a COPY", chunks, size, piece)
            rows_follow = piece.data_end == len(piece.text)
            _check(
                piece.text[piece.data_end :] in ("", "\\.", "\\.\n", "\\.\r\n"),
                "rows end in their line",
                chunks,
                size,
                piece,
            )
        else:
            _check(not rows_follow, "rows go on to their end", chunks, size, piece)
            _check_gaps(piece, dialect)
            long = [s.end for s in piece.statements[:-1] if s.end >= size]
            _check(not long, "a piece is hardly longer than asked", chunks, size, piece)
            statements += [s._replace(start=s.start + piece.start, end=s.end + piece.start) for s in piece.statements]
            rows_follow = bool(piece.statements) and piece.statements[-1].takes_rows
            _check(not any(s.takes_rows for s in piece.statements[:-1]), "COPY ends a piece", chunks, size, piece)
    if error is None:
        _check(position == len(text), "the pieces are the whole text", chunks, size, position)
        _check(tuple(statements) == found, "chunks make no difference", chunks, size, statements, found)
        _check(not rows_follow, "rows have an end", chunks, size)
    return pieces


def _collected(chunks: Sequence[str], dialect: Dialect, size: int, pieces: list[Sql | Rows]) -> list[Sql | Rows]:
    """Put the pieces into the list one by one, so that those before an error are there."""
    for piece in stream(iter(chunks), dialect, size):
        pieces.append(piece)  # noqa: PERF402
    return []


def _check_gaps(piece: Sql, dialect: Dialect) -> None:
    """Check that nothing stands outside the statements of a piece but blanks, comments, semicolons and psql's lines."""
    position = 0
    for start, end in sorted([*((s.start, s.end) for s in piece.statements), *piece.psql_lines]):
        _check(position <= start < end <= len(piece.text), "offsets are in order", piece)
        _check(_is_gap(piece.text[position:start], dialect), "a gap holds nothing", piece.text[position:start])
        position = end
    _check(_is_gap(piece.text[position:], dialect), "a gap holds nothing", piece.text[position:])
    for start, end in piece.psql_lines:
        _check(_PSQL_LINE.fullmatch(piece.text, start, end), "a line of psql is one", piece.text[start:end])


def _is_gap(text: str, dialect: Dialect) -> bool:
    position = 0
    while position < len(text):
        if text[position] in f"{BLANKS};":
            position += 1
        elif text.startswith("--", position):
            end = (_LINE_END if dialect is Dialect.POSTGRESQL else _LINE_FEED).search(text, position)
            position = end.start() if end else len(text)
        elif text.startswith("/*", position):
            position = _comment_end(text, position, dialect)
            if position < 0:
                return False
        else:
            return False
    return True


def _comment_end(text: str, position: int, dialect: Dialect) -> int:
    depth = 0
    while True:
        if text.startswith("/*", position) and (depth == 0 or dialect is Dialect.POSTGRESQL):
            depth, position = depth + 1, position + 2
        elif text.startswith("*/", position):
            depth, position = depth - 1, position + 2
            if depth == 0:
                return position
        elif position >= len(text):
            return -1
        else:
            position += 1


def _check_statements(text: str, dialect: Dialect, found: Sequence[Statement]) -> None:
    _check(all(a.end <= b.start for a, b in pairwise(found)), "statements do not overlap", found)
    for statement in found:
        written = text[statement.start : statement.end]
        _check(written and written[0] not in f"{BLANKS};", "a statement begins at its first character", written)
        _check(written[-1] not in BLANKS, "a statement ends at its last character", written)
        _check(not written.startswith(("--", "/*")), "a statement begins with no comment", written)
        position, last = statement.start, Kind.COMMENT
        for token in tokens(text, dialect, statement.start, statement.end, backslashes=statement.backslashes):
            blank = text[position : token.start]
            _check(not blank.strip(BLANKS), "between tokens there are blanks only", written, blank)
            _check(position <= token.start < token.end, "tokens have a length, and an order", written, token)
            position, last = token.end, token.kind
        _check(position == statement.end, "tokens cover their statement", written, position)
        _check(last is not Kind.COMMENT, "a statement ends with no comment", written)
        _check(0 <= len(statement.words) <= 6, "a statement has at most six leading words", written)
        refuses_transaction(text, statement, dialect)
        if dialect is Dialect.POSTGRESQL:
            copy_direction(text, statement)
            copy_format(text, statement)


def _check_tokens_at(piece: Sql, dialect: Dialect, chance: random.Random) -> None:
    offsets = sorted(chance.choices(range(len(piece.text)), k=3))
    inside = [at for at in offsets if not any(start <= at < end for start, end in piece.psql_lines)]
    if piece.psql_lines:
        return
    for at, token in zip(inside, tokens_at(piece, dialect, inside), strict=True):
        if token is None:
            _check(piece.text[at] in BLANKS, "only blank space is no token", piece.text, at)
        else:
            _check(token.start <= at < token.end, "a token covers its offset", piece.text, at, token)


# --------------------------------------------------------------------------------------- time, in long texts


def check_long(before: str, piece: str, dialect: Dialect, length: int = LONG) -> None:
    """Check that a text four times as long takes about four times as long, whatever it repeats."""
    repeats = 2 * (length // len(piece) // 2)  # even: what a quote opens, another one closes
    texts = [before + piece * (repeats * factor) for factor in (1, 4, 16)]
    for _ in range(3):  # the machine may be busy; what is superlinear is slow each time
        short, longer = _seconds(texts[0], dialect), _seconds(texts[1], dialect)
        if longer < 6 * short + 0.05:
            return
        longest = _seconds(texts[2], dialect)
        if longest < 6 * longer:
            return
    raise BrokenPromise(f"time grows as length does: {short:.3f} {longer:.3f} {longest:.3f} s: {before!r} {piece!r}")


def _seconds(text: str, dialect: Dialect) -> float:
    began = time.process_time()
    for chunks in ([text], [text[at : at + 100] for at in range(0, len(text), 100)]):
        try:
            for _ in stream(iter(chunks), dialect, 1000):
                pass
        except SqlTextError:
            pass
    return time.process_time() - began


# -------------------------------------------------------------------------------------------------- the run


@dataclass
class Tally:
    """What a run did."""

    seed: int
    seen: Counter[str] = field(default_factory=Counter)
    characters: int = 0
    slowest: float = 0.0
    failure: str | None = None


def run(inputs: int, seed: int, seconds: float = 1e9) -> Tally:
    """Check so many inputs, or as many as there is time for; stop at the first that breaks a promise."""
    tally = Tally(seed)
    generators = {dialect: HostileSql(seed, dialect) for dialect in Dialect}
    until = time.monotonic() + seconds
    for number in range(inputs):
        if time.monotonic() > until:
            break
        # Most of what may go wrong is PostgreSQL's.
        dialect = Dialect.SQLITE if number % 4 == 3 else Dialect.POSTGRESQL
        generator = generators[dialect]
        is_long = number % _LONG_EVERY >= _LONG_EVERY - 2  # one of each dialect
        text = "" if is_long else generator.any()
        began = time.process_time()
        try:
            if is_long:
                check_long(*generator.repeated(), dialect)
                tally.seen["long"] += 1
            else:
                tally.seen[f"{dialect.value}, {check(text, dialect, generator)}"] += 1
                tally.slowest = max(tally.slowest, time.process_time() - began)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a failure
            tally.failure = _report(text, dialect, error)
            break
        tally.characters += len(text)
    return tally


def _report(text: str, dialect: Dialect, error: Exception) -> str:
    if not text:
        return f"{dialect.value}: {error}"
    smaller = minimised(text, partial(_fails_alike, dialect=dialect, like=error))
    try:
        _check_all_ways(smaller, dialect)
    except Exception as still:  # noqa: BLE001 - the same one, about the smaller text
        error = still
    return f"{dialect.value}: {smaller!r}\n  {type(error).__name__}: {error}"


def _fails_alike(text: str, dialect: Dialect, like: Exception) -> bool:
    try:
        _check_all_ways(text, dialect)
    except Exception as error:  # noqa: BLE001 - whatever it is
        return type(error) is type(like) and str(error).split(":")[0] == str(like).split(":")[0]
    return False


def _check_all_ways(text: str, dialect: Dialect) -> None:
    for seed in range(20):  # other chunks and sizes
        check(text, dialect, HostileSql(seed, dialect))


def minimised(text: str, fails: Callable[[str], bool]) -> str:
    """Return the text with as much taken out as can be while it still fails."""
    length = max(len(text) // 2, 1)
    while length:
        at = 0
        while at < len(text):
            smaller = text[:at] + text[at + length :]
            if smaller and fails(smaller):
                text = smaller
            else:
                at += length
        length //= 2
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as asked on the command line; return the exit code."""
    parser = argparse.ArgumentParser(description="Feed the lexer with hostile text.")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--jobs", type=int, default=1)
    asked = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(10**9) if asked.seed is None else asked.seed
    print(f"seed {seed}", flush=True)
    began = time.monotonic()
    share = [asked.inputs // asked.jobs + (n < asked.inputs % asked.jobs) for n in range(asked.jobs)]
    if asked.jobs == 1:
        tallies = [run(asked.inputs, seed)]
    else:
        with ProcessPoolExecutor(asked.jobs) as pool:
            tallies = list(pool.map(run, share, range(seed, seed + asked.jobs)))
    taken = time.monotonic() - began
    seen = sum((tally.seen for tally in tallies), Counter[str]())
    characters = sum(tally.characters for tally in tallies)
    print(f"{seen.total()} inputs, {characters} characters in {taken:.1f} s: {seen.total() / taken:.0f} inputs/s")
    print(f"{dict(seen)}; the slowest took {max(tally.slowest for tally in tallies) * 1000:.1f} ms")
    failures = [tally for tally in tallies if tally.failure]
    for tally in failures:
        print(f"FAILED with seed {tally.seed} and one job:\n  {tally.failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
