"""A script read again, to be sent: batch after batch, or statement by statement. Nothing of it is held for longer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from migration_manager.model import Batch, Dialect, Script, Statement
from migration_manager.sqltext import SqlTextError, statements_in

_NOT_LINE_END: Final = re.compile(r"[^\n]")


class Message(NamedTuple):
    """One batch as it is sent: its text, as long as in the file, and the rows that its last statement takes.

    The rows come in chunks and can be read once, before the next message is asked for.
    """

    batch: Batch
    text: str
    rows: Iterator[str]


def messages(script: Script) -> Iterator[Message]:
    """Read a script again and yield what is sent of it, in order.

    Raises `FileError`, at the latest after the last message, when the file is no longer the one that was understood.
    """
    text = _Forward(script.source.read(verify=True))
    for batch in script.batches:
        text.skip_to(batch.start)
        sent = _blanked(text.take(batch.end), batch)
        rows = text.until(batch.rows[1]) if batch.rows else iter(())
        yield Message(batch, sent, rows)
    text.skip_to(None)


def one_by_one(script: Script) -> Iterator[Message]:
    """Read a script again and yield its statements, each as a message of its own; raises as `messages` does.

    A batch that is not cut into as many as were counted is left whole: the database has the last word on it.
    """
    for message in messages(script):
        batch, text = message.batch, message.text
        line, counted = batch.line, 0
        statements = statements_of(message, script.dialect)
        if len(statements) != batch.statement_count:
            yield message
            continue
        for statement in statements:
            start, end = statement.start, statement.end
            line, counted = line + text.count("\n", counted, start), start
            rows = batch.rows if statement.takes_rows else None
            alone = Batch(batch.start + start, batch.start + end, line, 1, batch.backslashes, rows)
            yield Message(alone, text[start:end], message.rows if rows else iter(()))


def digest_of(message: Message) -> str:
    """Return what tells a statement from another one: SHA-256 of its text, without the rows it takes."""
    return hashlib.sha256(message.text.encode()).hexdigest()


def statements_of(message: Message, dialect: Dialect) -> tuple[Statement, ...]:
    """Return the statements of a message, by offsets into its text; none for one that no lexer has looked at."""
    try:
        return statements_in(message.text, dialect, backslashes=message.batch.backslashes)
    except SqlTextError:
        return ()


class _Forward:
    """A text in chunks that is read forward only, by offsets into the whole."""

    def __init__(self, chunks: Iterable[str]) -> None:
        self._chunks = iter(chunks)
        self._held = ""
        self._at = 0  # the offset of what is held

    def skip_to(self, offset: int | None) -> None:
        """Read on to an offset; to the end of the text for None."""
        while offset is None or self._at + len(self._held) < offset:
            self._at += len(self._held)
            self._held = next(self._chunks, "")
            if not self._held:
                return
        self._drop(offset - self._at)

    def take(self, end: int) -> str:
        """Return the text from here to an offset."""
        pieces, missing = [self._held], end - self._at - len(self._held)
        while missing > 0 and (chunk := next(self._chunks, "")):
            pieces.append(chunk)
            missing -= len(chunk)
        self._held = "".join(pieces)
        taken = self._held[: end - self._at]
        self._drop(len(taken))
        return taken

    def until(self, end: int) -> Iterator[str]:
        """Yield the text from here to an offset, as it comes."""
        while self._at < end:
            if not self._held and not self._fill():
                return
            taken = self._held[: end - self._at]
            self._drop(len(taken))
            yield taken

    def _fill(self) -> bool:
        self._held = next(self._chunks, "")
        return bool(self._held)

    def _drop(self, length: int) -> None:
        self._held = self._held[length:]
        self._at += length


def _blanked(text: str, batch: Batch) -> str:
    """Return a batch's text with its blanks blank; its length and its lines stay, so that no offset moves."""
    pieces, position = [], 0
    for start, end in batch.blanks:
        pieces += [
            text[position : start - batch.start],
            _NOT_LINE_END.sub(" ", text[start - batch.start : end - batch.start]),
        ]
        position = end - batch.start
    return "".join((*pieces, text[position:])) if pieces else text
