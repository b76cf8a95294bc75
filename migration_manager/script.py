"""From a file's text to a script that may run: cut, header read, and refused here when it must not run.

This is where the friendly errors are, with file and line, before anything has happened. The promise that a file never
ends its own transaction is the engine's (RELIABILITY B2); nothing there depends on what is found here.

A text is read as a stream and never held whole: what is kept of it is where its batches are. `messages` reads it again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

from migration_manager.directives import NO_TRANSACTION, NOTHING_TO_UNDO, Header
from migration_manager.errors import DirectiveError, FileError, NeedsNoTransaction
from migration_manager.locate import locate
from migration_manager.model import Batch, Control, Dialect, Script, Source, Statement
from migration_manager.sqltext import (
    CopyDirection,
    Kind,
    LossFinder,
    Rows,
    Sql,
    SqlTextError,
    copy_direction,
    copy_format,
    refuses_transaction,
    stream,
    tokens_at,
)

_CONFLICT: Final = re.compile(r"^(?:<{7} |>{7} |={7}\r?$)", re.MULTILINE)
_SIDE: Final = re.compile(r"\n(?:<{7}|>{7}) ")
_SHORTER_THAN_A_SIDE: Final = 8  # characters, so that none is found twice
DUMP: Final = re.compile(r"^-- PostgreSQL database (?:cluster )?dump$", re.MULTILINE)  # pg_dump's first words
_ALL: Final = 1000  # refusals of one file
_ASK_ALONE: Final = f"`-- migrate: {NO_TRANSACTION}`"
_OWNED: Final = "the runner begins and ends the transaction, so that the file and its record are one"
_HARMLESS: Final = frozenset({("INSERT",), ("SELECT",), ("UPDATE",), ("DELETE",)})  # what long files are made of


OnRead = Callable[[str, int, int], None]


def parse(source: Source, dialect: Dialect, *, rollback: bool, on_read: OnRead | None = None) -> Script:
    """Return the script of a source. Raises `FileError`, or `DirectiveError`, at the place that is wrong.

    An outermost BEGIN … COMMIT, the habit of hand-written files, is left out: the runner owns the transaction.
    `on_read` is told the path, and how much of the text has been read out of how much.
    """
    parser = _Parser(source, dialect, rollback=rollback)
    read = 0
    try:
        for piece in stream(source.read(), dialect):
            parser.add(piece)
            if on_read is not None:
                read += len(piece.text) if piece.text.isascii() else len(piece.text.encode())
                on_read(source.path, read, source.size)
    except SqlTextError as error:
        marks = list(islice(_all_conflict_marks(source.read()), 2))
        if len(marks) > 1:  # both sides of a merge may well leave a literal open
            raise _unmerged(source, marks[0]) from None
        parser.refuse_inner()
        raise _error(source, error.offset, error.message, error.hint) from None
    return parser.script()


def examine(source: Source, dialect: Dialect, *, rollback: bool) -> tuple[Script | None, tuple[FileError, ...]]:
    """Return the script of a source that need not be fit to run, and everything that is wrong with it, in order.

    The script is None where the text cannot be read on, or its header is not understood.
    """
    parser = _Parser(source, dialect, rollback=rollback, told=_ALL)
    try:
        for piece in stream(source.read(), dialect):
            parser.add(piece)
    except SqlTextError as error:
        unread = _error(source, error.offset, error.message, error.hint)
        return None, (*parser.inner_refusals(), unread)
    except FileError as error:
        return None, (*parser.inner_refusals(), error)
    return parser.as_it_is(), parser.problems()


class _Parser:
    """What has been understood of a file so far, piece after piece."""

    def __init__(self, source: Source, dialect: Dialect, *, rollback: bool, told: int = 3) -> None:
        """`told` refusals are kept, of statements that must not run in this file.

        Three are enough to know the first of them that is neither the file's first statement nor its last, which may
        be a BEGIN and COMMIT of its own.
        """
        self._source = source
        self._dialect = dialect
        self._told = told
        self._header = Header(source, dialect, rollback=rollback)
        self._batches: list[Batch] = []
        self._count = 0  # statements so far
        self._first: list[Statement] = []  # two of them; their offsets, and the last one's, are into the whole text
        self._last: Statement | None = None
        self._outside = False  # of a transaction
        self._is_dump = False
        self._opened: tuple[int, str] | None = None  # in a dump, the place of a BEGIN whose COMMIT has not come
        self._neutral: list[Statement] = []  # of this piece: what is left out
        self._losses = LossFinder(dialect)
        self._refusals: list[tuple[int, FileError]] = []

    def add(self, piece: Sql | Rows) -> None:
        if isinstance(piece, Rows):
            copy = self._batches[-1]
            begin = copy.rows[0] if copy.rows else piece.start
            self._batches[-1] = copy._replace(rows=(begin, piece.start + piece.data_end))
            return
        if piece.start == 0:
            header = piece.text[: piece.statements[0].start if piece.statements else None]
            self._is_dump = DUMP.search(header) is not None
        self._header.read(piece)
        self._outside = self._header.directives.no_transaction
        _refuse_conflict(self._source, piece, self._dialect)
        if piece.statements:
            self._look_at(piece)
            neutral = [(statement.start, statement.end) for statement in self._neutral]
            self._batches.append(
                Batch(
                    piece.start,
                    piece.start + len(piece.text),
                    piece.line,
                    len(piece.statements) - len(neutral),
                    piece.backslashes,
                    blanks=tuple((piece.start + a, piece.start + b) for a, b in sorted([*piece.psql_lines, *neutral])),
                )
            )

    def _look_at(self, piece: Sql) -> None:
        self._neutral = []
        for number, statement in enumerate(piece.statements, self._count):
            if number < 2:
                self._first.append(_moved(statement, piece.start))
            first = statement.words[:1]
            if first in self._losses.openings:
                self._losses.look_at(piece.text, statement, piece.line)
            if first in _HARMLESS or self._is_pair_of_dump(piece, statement):
                continue
            if len(self._refusals) < self._told and (
                refusal := self._refusal(piece, statement, opens_file=number == 0)
            ):
                self._refusals.append((number, refusal))
        self._last = _moved(piece.statements[-1], piece.start)
        self._count += len(piece.statements)

    def _is_pair_of_dump(self, piece: Sql, statement: Statement) -> bool:
        """Leave out the BEGIN and COMMIT that pg_dump writes around large objects, anywhere in a dump."""
        expected = Control.COMMIT if self._opened else Control.BEGIN
        if not self._is_dump or statement.control is not expected or not statement.plain_control:
            return False
        if self._outside:  # large objects live in a transaction: the usual refusal
            return False
        self._opened = None if self._opened else (piece.start + statement.start, _shown(piece, statement))
        self._neutral.append(statement)
        return True

    def refuse_inner(self) -> None:
        """Raise what is known to be wrong before a place where the text cannot be read on."""
        for refusal in self.inner_refusals():
            raise refusal

    def inner_refusals(self) -> tuple[FileError, ...]:
        """Return what is known to be wrong before that place."""
        return tuple(refusal for number, refusal in self._refusals if number > 0)

    def script(self) -> Script:
        """Return the script, now that the whole file has been seen. Raises `FileError`."""
        for problem in self.problems():
            raise problem
        return self.as_it_is()

    def problems(self) -> tuple[FileError, ...]:
        """Return why the script must not run, now that the whole file has been seen."""
        found: list[FileError] = []
        if self._opened is not None:
            at, shown = self._opened
            hint = "delete it, or write the COMMIT that belongs to it"
            found.append(_error(self._source, at, f"{shown}: {_OWNED}", hint))
        pair = self._left_out()
        found += [refusal for number, refusal in self._refusals if not pair or number not in (0, self._count - 1)]
        if self._header.directives.nothing_to_undo is not None and self._count > len(pair):
            line = locate(self._source.read(), self._first[len(pair) // 2].start).line
            message = f"the header says {NOTHING_TO_UNDO}, and a statement begins on line {line}"
            found.append(DirectiveError(message, path=self._source.path, hint="take one of the two out"))
        return tuple(found)

    def as_it_is(self) -> Script:
        """Return the script whether it may run or not."""
        batches = self._batches
        for statement in self._left_out():
            batches = [_without(batch, statement) for batch in batches]
        batches = [batch for batch in batches if batch.statement_count]
        return Script(self._source, self._dialect, self._header.directives, tuple(batches), *self._losses.losses())

    def _left_out(self) -> tuple[Statement, ...]:
        """Return the BEGIN and COMMIT around everything that the runner replaces with its own."""
        return () if self._outside or self._is_dump else self._outer_pair()

    def _outer_pair(self) -> tuple[Statement, ...]:
        """Return the plain BEGIN and COMMIT that stand around everything; nothing where there is no such pair."""
        if self._count < 2 or self._last is None:
            return ()
        first, last = self._first[0], self._last
        opens = first.control is Control.BEGIN and first.plain_control
        closes = last.control is Control.COMMIT and last.plain_control
        return (first, last) if opens and closes else ()

    # ---------------------------------------------------------------------------------- what must not run

    def _refusal(self, piece: Sql, statement: Statement, *, opens_file: bool) -> FileError | None:
        """Return why a statement must not run in this file, None when it may."""
        found = self._control_refusal(piece, statement, opens_file=opens_file) if statement.control else None
        if statement.words[:1] == ("COPY",) and self._dialect is Dialect.POSTGRESQL:
            found = self._copy_refusal(piece, statement)
        if found is not None or self._outside:
            return found
        shown = _shown(piece, statement)
        if statement.words[:2] == ("SET", "TRANSACTION") or statement.words[:3] == ("SET", "LOCAL", "TRANSACTION"):
            # The runner has written its record before the file begins, so the server would refuse most modes with a
            # riddle, and READ ONLY would stop the record from being finished (RELIABILITY C6, 97).
            message = f"{shown}: the transaction is the runner's and has begun; its modes stay"
            return self._error(piece, statement.start, message, "delete it")
        if refuses_transaction(piece.text, statement, self._dialect):
            ignored = self._dialect is Dialect.SQLITE and statement.words[0] == "PRAGMA"
            what = "has no effect inside a transaction" if ignored else "cannot run inside a transaction"
            message = f"{shown} {what}, and this file is one"
            hint = f"put {_ASK_ALONE} at the top, best with this statement in a file of its own"
            line, column, excerpt = locate(self._source.read(), piece.start + statement.start)
            return NeedsNoTransaction(
                message, path=self._source.path, line=line, column=column, excerpt=excerpt, hint=hint
            )
        return None

    def _control_refusal(self, piece: Sql, statement: Statement, *, opens_file: bool) -> FileError | None:
        shown = _shown(piece, statement)
        if self._outside:
            message = f"{shown}: in a {NO_TRANSACTION} file each statement is committed by itself"
            hint = f"delete it; or delete {_ASK_ALONE}, where the file is meant to be one transaction"
        elif statement.control is Control.SAVEPOINT:
            return None
        else:
            message = f"{shown}: {_OWNED}"
            hint = (
                f"delete it; or write {_ASK_ALONE} at the top, where each statement is meant to be committed by itself"
            )
            if statement.control is Control.BEGIN and not statement.plain_control:
                message = f"{shown}: the runner begins the transaction, as READ COMMITTED and READ WRITE"
                hint = "write BEGIN without options, or nothing"
            elif statement.control is Control.BEGIN and opens_file:
                message = f"{shown}: the last statement of this file is not its COMMIT"
                hint = "put COMMIT; at the end, or delete this line: the runner makes each file one transaction"
        return self._error(piece, statement.start, message, hint)

    def _copy_refusal(self, piece: Sql, statement: Statement) -> FileError | None:
        direction, shown = copy_direction(piece.text, statement), _shown(piece, statement)
        if direction is CopyDirection.OUT:
            message = f"{shown}: nobody reads what this writes"
            return self._error(piece, statement.start, message, "delete it, or copy to a file or table on the server")
        if direction is CopyDirection.IN and copy_format(piece.text, statement) == "binary":
            message = f"{shown}: a text file cannot hold binary rows"
            return self._error(piece, statement.start, message, "write the rows in the text or CSV format")
        return None

    def _error(self, piece: Sql, offset: int, message: str, hint: str) -> FileError:
        return _error(self._source, piece.start + offset, message, hint)


def losses_in_words(script: Script, most: int = 3, *, lines: bool = True) -> str | None:
    """Return on one line what a script loses: `DROP TABLE a (line 1) and 2 more`; None when it loses nothing."""
    if not script.losses:
        return None
    shown = script.losses[:most]
    told = ", ".join(f"{loss.what} (line {loss.line})" if lines else loss.what for loss in shown)
    more = script.loss_count - len(shown)
    return f"{told} and {more:,} more" if more else told


def _moved(statement: Statement, by: int) -> Statement:
    return statement._replace(start=statement.start + by, end=statement.end + by)


def _without(batch: Batch, statement: Statement) -> Batch:
    """Return a batch that does not send the statement, which may be in another one."""
    if not batch.start <= statement.start < batch.end:
        return batch
    blanks = tuple(sorted((*batch.blanks, (statement.start, statement.end))))
    return batch._replace(statement_count=batch.statement_count - 1, blanks=blanks)


def _shown(piece: Sql, statement: Statement, most: int = 60) -> str:
    """Return the beginning of a statement on one line, to name it by."""
    text = piece.text[statement.start : min(statement.end, statement.start + 4 * most)]
    line = " ".join(text.split()).removesuffix(";")
    return line if len(line) <= most else line[: most - 1] + "…"


def _refuse_conflict(source: Source, piece: Sql, dialect: Dialect) -> None:
    marks = _conflict_marks(piece.text)
    for offset, token in zip(marks, tokens_at(piece, dialect, marks), strict=True):
        if token is None or token.kind in (Kind.WORD, Kind.OTHER):  # anywhere else it is data or a comment
            raise _unmerged(source, piece.start + offset)


def _conflict_marks(text: str) -> list[int]:
    """Return where lines begin as those of an unfinished merge do; none without a first or last such line."""
    if "<<<<<<< " not in text and ">>>>>>> " not in text:
        return []
    return [found.start() for found in _CONFLICT.finditer(text)]


def _all_conflict_marks(chunks: Iterable[str]) -> Iterator[int]:
    """Yield where the first and last such lines begin in a text that comes in chunks."""
    offset, before = 0, "\n"
    for chunk in chunks:
        text = before + chunk
        yield from (offset - len(before) + found.start() + 1 for found in _SIDE.finditer(text))
        offset, before = offset + len(chunk), text[-_SHORTER_THAN_A_SIDE:]


def _unmerged(source: Source, offset: int) -> FileError:
    return _error(source, offset, "a line of an unfinished git merge is left here", "finish the merge")


def _error(source: Source, offset: int, message: str, hint: str | None = None) -> FileError:
    line, column, excerpt = locate(source.read(), offset)
    return FileError(message, path=source.path, line=line, column=column, excerpt=excerpt, hint=hint)
