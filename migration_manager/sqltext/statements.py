"""Where the statements of an SQL text begin and end, read as a stream of pieces that are each small enough to hold.

Pure, and linear in the length of the text. It knows nothing of a statement's grammar beyond what its end depends on,
and lets syntax it does not know pass.
"""

from __future__ import annotations

import enum
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from migration_manager.model import Dialect, Statement
from migration_manager.sqltext.facts import (
    Conventions,
    CopyDirection,
    conventions_after,
    copy_direction,
    transaction_control,
)
from migration_manager.sqltext.lexical import (
    BLANKS,
    PLAIN_WORD,
    WORD_CHARACTER,
    Kind,
    Rules,
    SqlTextError,
    Token,
    Unfinished,
    comment_end,
    literal_end,
    rules_of,
    run_end,
    tokens,
    upper,
)
from migration_manager.sqltext.psql import psql_command, restrict_line_end

PIECE: Final = 64 * 1024  # characters; what goes to a server as one message (measured: bigger is no faster)


class Sql(NamedTuple):
    """A piece of a text made of whole statements, with the gaps before and between them.

    The statements' offsets are into the piece's own `text`; `start` and `line` (from 1) say where that begins in the
    whole. `psql_lines` are the restrict lines of pg_dump, which no server understands. Every statement of a piece
    follows the same rules for strings, and one that takes rows is the last.
    """

    text: str
    start: int
    line: int
    statements: tuple[Statement, ...]
    psql_lines: tuple[tuple[int, int], ...]
    backslashes: bool  # in every string: `standard_conforming_strings = off`


class Rows(NamedTuple):
    r"""A piece of the rows of the COPY before it: `text[:data_end]`; the last one has their `\.` line after that."""

    text: str
    start: int
    line: int
    data_end: int


def split(text: str, dialect: Dialect) -> tuple[Statement, ...]:
    """Return the top-level statements of a text, in order. Raises `SqlTextError`."""
    found: list[Statement] = []
    for piece in stream((text,), dialect, len(text) + 1):
        if isinstance(piece, Rows):
            continue
        found += [s._replace(start=s.start + piece.start, end=s.end + piece.start) for s in piece.statements]
    return tuple(found)


def statements_in(text: str, dialect: Dialect, *, backslashes: bool) -> tuple[Statement, ...]:
    """Return the statements of the text of one piece of SQL, which follows one set of rules. Raises `SqlTextError`."""
    piece, _ = _next_piece(_Window((text,)), dialect, Conventions(backslashes), len(text) + 1, to_the_end=True)
    return piece.statements


def stream(chunks: Iterable[str], dialect: Dialect, size: int = PIECE) -> Iterator[Sql | Rows]:
    """Yield the pieces of a text that comes in chunks; put together they are the text again.

    A piece of SQL ends after about `size` characters, and wherever the rules change or rows follow. No more than the
    longest statement and a few chunks are held. Raises `SqlTextError`, whose offset is into the whole text.
    """
    window = _Window(chunks)
    conventions = Conventions()
    while True:
        try:
            piece, conventions = _next_piece(window, dialect, conventions, size)
        except SqlTextError as error:
            error.offset += window.origin
            raise
        if piece.text:
            yield piece
        if piece.statements:
            last = piece.statements[-1]
            if last.takes_rows:
                yield from _rows(window, piece.start + last.start)
                continue
        if window.is_used_up:
            return


class _Window:
    """The part of a text that is looked at: it begins at `begin`, and one character before that is still known."""

    def __init__(self, chunks: Iterable[str]) -> None:
        self._chunks = iter(chunks)
        self.text = ""
        self.begin = 0
        self.origin = 0  # where the window's text begins in the whole
        self.final = False  # nothing comes after the window
        self._line = 1

    @property
    def is_used_up(self) -> bool:
        return self.final and self.begin == len(self.text)

    def grow(self) -> int:
        """Read on, as much again as is there: a long statement is looked at a few times only.

        Returns by how much the offsets into the window's text have become smaller.
        """
        shift = max(self.begin - 1, 0)
        pieces = [self.text[shift:]]
        wanted = len(pieces[0])
        while wanted >= 0:
            chunk = next(self._chunks, None)
            if chunk is None:
                self.final = True
                break
            pieces.append(chunk)
            wanted -= len(chunk) or 1
        self.text = "".join(pieces)
        self.begin -= shift
        self.origin += shift
        return shift

    def take(self, end: int) -> tuple[str, int, int]:
        """Move on to `end`; return the text that is left behind, its offset in the whole and its line."""
        text, start, line = self.text[self.begin : end], self.origin + self.begin, self._line
        self.begin = end
        self._line += text.count("\n")
        return text, start, line


def tokens_at(piece: Sql, dialect: Dialect, offsets: Iterable[int]) -> Iterator[Token | None]:
    """Yield for each offset into a piece, given in rising order, the token that covers it; None for blank space.

    Reads only the statements and gaps again that hold an offset.
    """
    starts = [statement.start for statement in piece.statements]
    limit = -1
    found: Iterator[Token] = iter(())
    current: Token | None = None
    for offset in offsets:
        if offset >= limit:
            start, limit = _bounds_around(piece, starts, offset)
            found = tokens(piece.text, dialect, start, limit, backslashes=piece.backslashes)
            current = next(found, None)
        while current is not None and current.end <= offset:
            current = next(found, None)
        yield current if current is not None and current.start <= offset else None


def _bounds_around(piece: Sql, starts: Sequence[int], offset: int) -> tuple[int, int]:
    """Return the bounds of the statement or the gap at the offset."""
    number = bisect_right(starts, offset)
    after = starts[number] if number < len(starts) else len(piece.text)
    if number == 0:
        return 0, after
    statement = piece.statements[number - 1]
    return (statement.end, after) if offset >= statement.end else (statement.start, statement.end)


# ----------------------------------------------------------------------------------------- pieces of SQL

_GAP: Final = re.compile(f"[{BLANKS};]*")
_OPENING_WORDS: Final = 6
# A word right before a quote is the prefix of a literal (E'', B'', date''), so it does not count.
_WORD_ALONE: Final = rf"{PLAIN_WORD}(?!{WORD_CHARACTER}|')"
_OPENING: Final = re.compile(rf"(?:{_WORD_ALONE}[{BLANKS}]*){{0,{_OPENING_WORDS}}}")
_HEAD: Final = re.compile(rf"[{BLANKS};]*({_OPENING.pattern})")  # the same, with the gap before it
_WORD: Final = re.compile(PLAIN_WORD)
_SHELL_COMMAND: Final = re.compile(r"\.[A-Za-z]\S*")


def _next_piece(
    window: _Window, dialect: Dialect, conventions: Conventions, size: int, *, to_the_end: bool = False
) -> tuple[Sql, Conventions]:
    """Return the next piece, and how what follows it is read; `to_the_end` nothing but the text's end ends it."""
    rules = rules_of(dialect, backslashes=conventions.backslashes)
    following = conventions
    statements: list[Statement] = []
    psql_lines: list[tuple[int, int]] = []
    position = window.begin
    while True:
        position = _plain_statements(window, position, rules, size, statements)
        if position - window.begin >= size:
            break
        base = window.begin
        try:
            start = _gap_end(window, position, rules.dialect, psql_lines)
            if start == len(window.text) or start - base >= size:
                position = start
                break
            statement = _statement(window.text, start, rules, final=window.final)
        except Unfinished:
            if window.final:
                raise
            psql_lines = [line for line in psql_lines if line[1] <= position - base]
            position -= window.grow()
            continue
        position = statement.end
        statements.append(statement._replace(start=statement.start - base, end=statement.end - base))
        if to_the_end:
            continue
        if statement.takes_rows:
            position = _copy_line_end(window.text, statement)
            break
        if (
            dialect is Dialect.POSTGRESQL
            and (following := conventions_after(window.text, statement, conventions)) != conventions
        ):
            break
    return Sql(*window.take(position), tuple(statements), tuple(psql_lines), rules.backslashes), following


def _plain_statements(window: _Window, position: int, rules: Rules, size: int, statements: list[Statement]) -> int:
    """Collect the statements from the position on that are found the short way; return where they end.

    The usual statement takes two matches: the gap and its first words, then all up to its semicolon. A comment among
    the first words ends the second one early, so nothing is missed here.
    """
    text, base, head, skip = window.text, window.begin, _HEAD.match, rules.skip.match
    append = statements.append
    limit, backslashes = base + size, rules.backslashes
    last = ""  # the opening that was looked up last: a file of a million INSERTs has a handful of them
    words: tuple[str, ...] = ()
    while position < limit and (found := head(text, position)) and (opening := found[1]):
        if opening != last:
            words, shape = _words_and_shape(opening, rules.dialect)
            if shape is not _Shape.PLAIN:
                break
            last = opening
        rest = skip(text, found.end())
        if rest is None or not text.startswith(";", rest.end()):
            break
        position = rest.end() + 1
        # By position, which takes half the time.
        append(Statement(found.start(1) - base, position - base, words, None, False, False, backslashes))  # noqa: FBT003
    return position


def _gap_end(window: _Window, position: int, dialect: Dialect, psql_lines: list[tuple[int, int]]) -> int:
    """Return where the next statement begins, or the text's length; `Unfinished` where more text may follow that."""
    text, base = window.text, window.begin
    while True:
        position = run_end(_GAP, text, position)
        if text.startswith(("--", "/*"), position):
            position = comment_end(text, position, dialect)
        elif text.startswith("\\", position):
            end = restrict_line_end(text, position, final=window.final)
            psql_lines.append((position - base, end - base))
            position = end
        elif position == len(text) and not window.final:
            raise Unfinished(position, "a gap")
        else:
            return position


def _statement(text: str, start: int, rules: Rules, *, final: bool) -> Statement:
    """Return the statement that begins at the position; `Unfinished` where what follows may belong to it."""
    if rules.dialect is Dialect.SQLITE and (found := _SHELL_COMMAND.match(text, start)):
        if not final and found.end() == len(text):
            raise Unfinished(start, "a command of the sqlite3 shell")
        raise SqlTextError(start, f"{found[0]} is a command of the sqlite3 shell, not SQL", "take it out")
    words, shape = _opening(text, start, rules)
    find_end = _body_statement_end if shape is _Shape.BODY else _statement_end
    end = find_end(text, start, rules, final=final)
    statement = Statement(start, end, words, backslashes=rules.backslashes)
    if shape is _Shape.CONTROL:
        control, plain = transaction_control(text, statement, rules.dialect)
        return statement._replace(control=control, plain_control=plain)
    if shape is _Shape.COPY and copy_direction(text, statement) is CopyDirection.IN:
        if not final and text.find("\n", end) < 0:
            raise Unfinished(start, "a COPY")
        return statement._replace(takes_rows=True)
    return statement


class _Shape(enum.Enum):
    """What a statement's first words say about how it has to be read."""

    PLAIN = enum.auto()
    BODY = enum.auto()  # semicolons may stand inside: a function's body, a trigger's
    COPY = enum.auto()  # rows may follow
    CONTROL = enum.auto()  # may control the transaction
    SETTING = enum.auto()  # may change the rules for what follows


_CONTROL_WORDS: Final = {
    Dialect.POSTGRESQL: frozenset(
        ["BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "PREPARE"]
    ),
    Dialect.SQLITE: frozenset(["BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE"]),
}


def _opening(text: str, start: int, rules: Rules) -> tuple[tuple[str, ...], _Shape]:
    """Return the leading words of a statement and what they say about its shape."""
    end = run_end(_OPENING, text, start)
    if not text.startswith(("--", "/*"), end):
        return _words_and_shape(text[start:end], rules.dialect)
    words: list[str] = []  # comments between the words: rare, so the slow way
    for token in tokens(text, rules.dialect, start, backslashes=rules.backslashes):
        if token.kind is Kind.WORD and len(words) < _OPENING_WORDS:
            words.append(text[token.start : token.end])
        elif token.kind is not Kind.COMMENT:
            break
    return _words_and_shape(" ".join(words), rules.dialect)


@lru_cache(maxsize=1024)
def _words_and_shape(raw: str, dialect: Dialect) -> tuple[tuple[str, ...], _Shape]:
    words = tuple(upper(word) for word in _WORD.findall(raw))
    first = words[0] if words else ""
    shape = _Shape.PLAIN
    if first in _CONTROL_WORDS[dialect]:
        shape = _Shape.CONTROL
    elif first == "CREATE" and _may_have_body(words, dialect):
        shape = _Shape.BODY
    elif dialect is Dialect.POSTGRESQL:
        if first == "COPY":
            shape = _Shape.COPY
        elif first in ("SET", "RESET") or (first == "SELECT" and words[1:2] in (("SET_CONFIG",), ("PG_CATALOG",))):
            shape = _Shape.SETTING
    return words, shape


def _may_have_body(words: Sequence[str], dialect: Dialect) -> bool:
    if dialect is Dialect.SQLITE:
        return "TRIGGER" in words[1 : 3 if words[1:2] in (("TEMP",), ("TEMPORARY",)) else 2]
    what = words[3:4] if words[1:3] == ("OR", "REPLACE") else words[1:2]
    return what in (("FUNCTION",), ("PROCEDURE",), ("SCHEMA",))  # CREATE SCHEMA takes CREATEs as its elements


def _statement_end(text: str, start: int, rules: Rules, *, final: bool) -> int:
    """Return the end of the statement at `start`: past its semicolon, or past its last character."""
    skip = rules.skip
    position, solid, depth, opened = start, start, 0, start
    while True:
        run, position = position, run_end(skip, text, position)
        if position == len(text):
            break
        character = text[position]
        if text.startswith(("--", "/*"), position):
            solid = _solid(text, run, position, solid)
            position = comment_end(text, position, rules.dialect)
            continue
        if character == ";" and depth == 0:
            return position + 1
        if character == "(":
            opened = position if depth == 0 else opened
            depth += 1
        elif character == ")":
            depth = max(0, depth - 1)
        elif character == "\\":
            raise psql_command(text, position, final=final)
        position = solid = literal_end(text, position, rules, run, start, final=final)
    if depth:
        raise _unclosed_parenthesis(opened)
    if not final:
        raise Unfinished(start, "a statement")
    return _solid(text, run, position, solid)


def _solid(text: str, run: int, position: int, solid: int) -> int:
    """Return the end of what is no blank before the position, knowing that it is at `solid` before `run`."""
    written = text[run:position].rstrip(BLANKS)
    return run + len(written) if written else solid


def _unclosed_parenthesis(offset: int) -> Unfinished:
    return Unfinished(offset, "a parenthesis is opened here and never closed")


def _body_statement_end(text: str, start: int, rules: Rules, *, final: bool) -> int:
    """Return the end of a statement that may have a body with semicolons of its own.

    Every statement of a body ends in a semicolon, so the END that closes it is the one right after a semicolon (or
    after the body's beginning): CASE ... END, `t.end` and `AS end` need no counting. SQLite's `sqlite3_complete` does
    the same.
    """
    solid, depth, opened, body = start, 0, start, -1
    before, last = "", ""  # the two tokens before this one: words in upper case, else the first character
    is_fresh = False  # nothing stands between the body's beginning and this token
    for token in tokens(text, rules.dialect, start, backslashes=rules.backslashes):
        if token.kind is Kind.COMMENT:
            continue
        word = upper(text[token.start : token.end]) if token.kind is Kind.WORD else text[token.start]
        if word == "(":
            opened = token.start if depth == 0 else opened
            depth += 1
        elif word == ")":
            depth = max(0, depth - 1)
        elif word == "\\":
            raise psql_command(text, token.start, final=final)
        elif depth == 0 and body < 0:
            if word == ";":
                return token.end
            if _begins_body(word, last, before, rules.dialect):
                body, is_fresh = token.start, True
        elif depth == 0 and word == "END" and (last == ";" or is_fresh):
            return _statement_end(text, token.end, rules, final=final)
        is_fresh = is_fresh and token.start == body
        before, last, solid = last, word, token.end
    if body >= 0:
        hint = "every statement of the body ends in a semicolon, and END follows the last one"
        raise Unfinished(body, "a body begins here and has no END", hint)
    if depth:
        raise _unclosed_parenthesis(opened)
    if not final:
        raise Unfinished(start, "a statement")
    return solid


def _begins_body(word: str, last: str, before: str, dialect: Dialect) -> bool:
    if dialect is Dialect.SQLITE:
        return word == "BEGIN"
    return word == "ATOMIC" and last == "BEGIN" and before != "."


# ---------------------------------------------------------------------------------------------- the rows

_AFTER_COPY: Final = re.compile(r"[ \t\r]*(?:--[^\n]*)?(?:\n|\Z)")
_END_OF_ROWS: Final = re.compile(r"\\\.(?:\r?\n|\Z)")
_NO_END: Final = "the rows of this COPY … FROM stdin have no end"
_ROWS_FOLLOW: Final = "the rows follow the statement, and a line with nothing but \\. ends them"


def _copy_line_end(text: str, statement: Statement) -> int:
    line = _AFTER_COPY.match(text, statement.end)
    if line is None:
        hint = "the rows begin on the next line, and a line with nothing but \\. ends them"
        raise SqlTextError(statement.end, "something follows COPY … FROM stdin; on its line", hint)
    return line.end()


def _rows(window: _Window, copy: int) -> Iterator[Rows]:
    r"""Yield the rows up to the first line that is exactly `\.`, as psql does in every format.

    `copy` is where their COPY begins in the whole text. Raises `SqlTextError` there when they have no end.
    """
    while True:
        text = window.text
        stop = _rows_end(text, window.begin, final=window.final)
        if stop is not None:
            rows = stop - window.begin
            yield Rows(*window.take(run_end(_END_OF_ROWS, text, stop)), rows)
            return
        if window.final:
            raise SqlTextError(copy, _NO_END, _ROWS_FOLLOW)
        # What stands on the last line may be the beginning of the one that ends them.
        line = text.rfind("\n", max(window.begin - 1, 0)) + 1
        end = max(line, window.begin) if "\\.\r\n".startswith(text[line : line + 5]) else len(text)
        if end > window.begin:
            taken = window.take(end)
            yield Rows(*taken, len(taken[0]))
        window.grow()


def _rows_end(text: str, rows: int, *, final: bool) -> int | None:
    """Return where the line is that ends the rows, None where it is not in the text."""
    if text.find("\\", max(rows - 1, 0)) < 0:  # the usual chunk, and twenty times faster than what follows
        return None
    before = rows - 1  # the line end before the rows, where they begin on a new line
    while (before := text.find("\n\\.", before)) >= 0:
        found = _END_OF_ROWS.match(text, before + 1)
        if found and (final or found.end() < len(text) or text.endswith("\n")):
            return before + 1
        before += 1
    return None
