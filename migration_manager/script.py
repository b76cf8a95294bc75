"""From a file's text to a script that may run: cut, header read, and refused here when it must not run. Pure.

This is where the friendly errors are, with file and line, before anything has happened. The promise that a file never
ends its own transaction is the engine's (RELIABILITY B2); nothing there depends on what is found here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from migration_manager.directives import NO_TRANSACTION, NOTHING_TO_UNDO, read_directives
from migration_manager.errors import DirectiveError, FileError
from migration_manager.locate import excerpt, line_and_column
from migration_manager.model import Control, Dialect, Directives, Script, Source, Statement
from migration_manager.sqltext import (
    CopyDirection,
    Kind,
    Scan,
    SqlTextError,
    copy_direction,
    is_binary_copy,
    refuses_transaction,
    scan,
    tokens_at,
)

_CONFLICT: Final = re.compile(r"<{7} |>{7} |={7}$", re.MULTILINE)
_NOT_LINE_END: Final = re.compile(r"[^\n]")
_ASK_ALONE: Final = f"`-- migrate: {NO_TRANSACTION}`"


def parse(source: Source, dialect: Dialect, *, rollback: bool) -> Script:
    """Return the script of a source. Raises `FileError`, or `DirectiveError`, at the place that is wrong.

    An outermost BEGIN … COMMIT, the habit of hand-written files, is blanked out: the runner owns the transaction.
    """
    found = _scanned(source, dialect)
    directives = read_directives(source, found.statements, dialect, rollback=rollback)
    pair = () if directives.no_transaction else _outer_pair(found.statements)
    statements = found.statements[1:-1] if pair else found.statements
    for number, statement in enumerate(statements):
        _check(source, dialect, directives, statement, opens_file=number == 0 and not pair)
    if directives.nothing_to_undo is not None and statements:
        line, _ = line_and_column(source.text, statements[0].start)
        message = f"the header says {NOTHING_TO_UNDO}, and a statement begins on line {line}"
        raise DirectiveError(message, path=source.path, hint="take one of the two out")
    blanks = sorted([*((statement.start, statement.end) for statement in pair), *found.psql_lines])
    return Script(source, directives, statements, _blanked(source.text, blanks))


def has_statements(script: Script) -> bool:
    """Return whether there is anything to run; comments and a bare BEGIN and COMMIT are nothing."""
    return bool(script.statements)


def _scanned(source: Source, dialect: Dialect) -> Scan:
    marks = _conflict_marks(source.text)
    try:
        found = scan(source.text, dialect)
    except SqlTextError as error:
        if len(marks) > 1:  # both sides of a merge may well leave a literal open
            raise _unmerged(source, marks[0]) from None
        raise _error(source, error.offset, error.message, error.hint) from None
    for offset, token in zip(marks, tokens_at(source.text, dialect, found.statements, marks), strict=True):
        if token is None or token.kind in (Kind.WORD, Kind.OTHER):  # anywhere else it is data or a comment
            raise _unmerged(source, offset)
    return found


def _conflict_marks(text: str) -> list[int]:
    """Return where lines begin as those of an unfinished merge do; none without a first or last such line."""
    if "<<<<<<< " not in text and ">>>>>>> " not in text:
        return []
    return [
        found.start() for found in _CONFLICT.finditer(text) if found.start() == 0 or text[found.start() - 1] == "\n"
    ]


def _unmerged(source: Source, offset: int) -> FileError:
    return _error(source, offset, "a line of an unfinished git merge is left here", "finish the merge")


def _outer_pair(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """Return the plain BEGIN and COMMIT that stand around everything; nothing where there is no such pair."""
    if len(statements) < 2:
        return ()
    first, last = statements[0], statements[-1]
    opens = first.control is Control.BEGIN and first.plain_control
    closes = last.control is Control.COMMIT and last.plain_control
    return (first, last) if opens and closes else ()


def _check(source: Source, dialect: Dialect, directives: Directives, statement: Statement, *, opens_file: bool) -> None:
    """Refuse a statement that must not run in this file."""
    if statement.control is not None:
        _check_control(source, statement, directives, opens_file=opens_file)
    if statement.words[:1] == ("COPY",) and dialect is Dialect.POSTGRESQL:
        _check_copy(source, statement)
    if directives.no_transaction:
        return
    if statement.words[:2] == ("SET", "TRANSACTION") or statement.words[:3] == ("SET", "LOCAL", "TRANSACTION"):
        # The runner has written its record before the file begins, so the server would refuse most modes with a
        # riddle, and READ ONLY would stop the record from being finished (RELIABILITY C6, 97).
        message = f"{_shown(source, statement)}: the transaction is the runner's and has begun; its modes stay"
        raise _error(source, statement.start, message, "delete it")
    if refuses_transaction(source.text, statement, dialect):
        ignored = dialect is Dialect.SQLITE and statement.words[0] == "PRAGMA"
        what = "has no effect inside a transaction" if ignored else "cannot run inside a transaction"
        message = f"{_shown(source, statement)} {what}, and this file is one"
        hint = f"put {_ASK_ALONE} at the top, best with this statement in a file of its own"
        raise _error(source, statement.start, message, hint)


def _check_control(source: Source, statement: Statement, directives: Directives, *, opens_file: bool) -> None:
    shown = _shown(source, statement)
    if directives.no_transaction:
        message = f"{shown}: in a {NO_TRANSACTION} file each statement is committed by itself"
        hint = f"delete it; or delete {_ASK_ALONE}, where the file is meant to be one transaction"
    elif statement.control is Control.SAVEPOINT:
        return
    else:
        message = f"{shown}: the runner begins and ends the transaction, so that the file and its record are one"
        hint = f"delete it; or write {_ASK_ALONE} at the top, where each statement is meant to be committed by itself"
        if statement.control is Control.BEGIN and not statement.plain_control:
            message = f"{shown}: the runner begins the transaction, as READ COMMITTED and READ WRITE"
            hint = "write BEGIN without options, or nothing"
        elif statement.control is Control.BEGIN and opens_file:
            message = f"{shown}: the last statement of this file is not its COMMIT"
            hint = "put COMMIT; at the end, or delete this line: the runner makes each file one transaction"
    raise _error(source, statement.start, message, hint)


def _check_copy(source: Source, statement: Statement) -> None:
    direction = copy_direction(source.text, statement)
    if direction is CopyDirection.OUT:
        message = f"{_shown(source, statement)}: nobody reads what this writes"
        raise _error(source, statement.start, message, "delete it, or copy to a file or table on the server")
    if direction is CopyDirection.IN and is_binary_copy(source.text, statement):
        message = f"{_shown(source, statement)}: a text file cannot hold binary rows"
        raise _error(source, statement.start, message, "write the rows in the text or CSV format")


def _shown(source: Source, statement: Statement, most: int = 60) -> str:
    """Return the beginning of a statement on one line, to name it by."""
    piece = source.text[statement.start : min(statement.end, statement.start + 4 * most)]
    line = " ".join(piece.split()).removesuffix(";")
    return line if len(line) <= most else line[: most - 1] + "…"


def _blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return the text with spans made blank; its length and its lines stay, so that no offset moves."""
    pieces, position = [], 0
    for start, end in spans:
        pieces += [text[position:start], _NOT_LINE_END.sub(" ", text[start:end])]
        position = end
    return "".join((*pieces, text[position:])) if pieces else text


def _error(source: Source, offset: int, message: str, hint: str | None = None) -> FileError:
    line, column = line_and_column(source.text, offset)
    return FileError(
        message, path=source.path, line=line, column=column, excerpt=excerpt(source.text, offset), hint=hint
    )
