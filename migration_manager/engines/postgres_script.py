"""Running one script over the wire: batch after batch, told where in its file it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from migration_manager.engines.base import AdvanceHandler, NoticeHandler
from migration_manager.engines.postgres_failures import OWNS_TRANSACTION, placed
from migration_manager.engines.postgres_places import Places
from migration_manager.engines.postgres_wire import Refused, Row, Said, Told, Wire, prologue
from migration_manager.errors import SqlFailed
from migration_manager.messages import Message, messages
from migration_manager.messages import one_by_one as statement_by_statement
from migration_manager.model import Notice, Script

_ANSWERS_WITH_ROWS: Final = frozenset(
    (word,) for word in ("SELECT", "VALUES", "TABLE", "WITH", "SHOW", "FETCH", "EXPLAIN")
)
_MOST: Final = 50  # notices of each severity that are told; a script may raise a hundred thousand


class ScriptRun:
    """One run of one script on a session. `rows` counts what it selected so far.

    The session must read texts as the runner's own when it begins; what is raised inside `listening` is told.
    """

    def __init__(
        self, wire: Wire, script: Script, on_notice: NoticeHandler | None, on_advance: AdvanceHandler | None
    ) -> None:
        self._wire = wire
        self._script = script
        self._on_notice = on_notice
        self._on_advance = on_advance
        self._places = Places(script)
        self._path: str | None = script.source.path  # of what is told
        self._message: Message | None = None
        self._ours = 0  # statements of the runner before the message's own
        self._bytes = 0
        self._heard: Counter[str] = Counter()
        self._may_have_ended = False  # by the last message
        self.rows = 0

    def in_transaction(self, before: Sequence[str], *, one_by_one: bool = False) -> list[list[Row]]:
        """Run the script; `before` are our own statements, sent with its first batch. Returns their rows.

        The last of them answers the transaction's id in its last column. With `one_by_one` each statement is sent by
        itself, and nothing follows one that ends the transaction.

        The transaction is open when this returns, or it raises: `Refused` for a statement of ours, `SqlFailed` for one
        of the script, `FileError` when the file is no longer what was understood.
        """
        answers: list[list[Row]] | None = None
        for message in (statement_by_statement if one_by_one else messages)(self._script):
            found = self.send(before if answers is None else (), message)
            answers = found if answers is None else answers
            if not self._wire.in_transaction or (self._may_have_ended and self._is_another(answers)):
                raise SqlFailed("the script ended the transaction it runs in", hint=OWNS_TRANSACTION)
        return self._wire.send(before).rows if answers is None else answers

    def _is_another(self, answers: list[list[Row]]) -> bool:
        """Return whether the open transaction is not the one that our own statements began: ROLLBACK AND CHAIN."""
        if not answers or not answers[-1]:
            return False
        ((xid,),) = self._wire.send(["SELECT pg_catalog.pg_current_xact_id_if_assigned()"]).rows[0]
        return xid != answers[-1][0][-1]

    def close(self, closing: Sequence[str], *, alone: bool) -> None:
        """Send what stands behind the script; raises `Refused`.

        What it deferred speaks here, without a line; and unless it is `alone` in its transaction, nobody knows which
        script's it is.
        """
        self._message = None
        self._path = self._path if alone else None
        self._wire.send(closing)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Tell the notices of what is sent inside, with their lines."""
        others, self._wire.on_told = self._wire.on_told, self._hear
        try:
            yield
        finally:
            self._wire.on_told = others
            self._sum_up()

    def send(self, before: Sequence[str], message: Message) -> list[list[Row]]:
        """Send one message, with statements of ours before it; returns their rows. Raises as `in_transaction` does."""
        self._message, self._ours = message, len(before)
        self._agree_on_strings(message)
        rows = self._encoded(message) if message.batch.rows else None
        try:
            answer = self._wire.send(before, message.text, rows)
        except Refused as error:
            raise placed(error, before, message, self._places) from None
        except UnicodeEncodeError as error:
            raise _unfit(error, message.batch.start - len(prologue(before))) from None
        self.rows += answer.selected
        self._may_have_ended = answer.may_have_ended
        self._advance(len(message.text) if message.text.isascii() else len(message.text.encode()))
        return answer.rows

    def _agree_on_strings(self, message: Message) -> None:
        """See that the server reads the next strings as the lexer did (manual 4.1.2.1), which costs no round trip."""
        if self._wire.backslashes != message.batch.backslashes:
            raise SqlFailed(
                "standard_conforming_strings is not what it seems to be in the text before this",
                offset=message.batch.start,
                hint="change it by a SET statement of the file's own, so that everybody reads the strings alike",
            )

    def _encoded(self, message: Message) -> Iterator[bytes]:
        start = message.batch.rows[0] if message.batch.rows else 0
        for chunk in message.rows:
            try:
                data = chunk.encode(self._wire.encoding)
            except UnicodeEncodeError as error:
                raise _unfit(error, start) from None
            start += len(chunk)
            yield data
            self._advance(len(data))

    def _advance(self, count: int) -> None:
        self._bytes += count
        if self._on_advance is not None:
            self._on_advance(self._script.source.path, self._bytes, self._script.source.size)

    # --------------------------------------------------------------------------------------- notices

    def _hear(self, told: Told) -> None:
        self._heard[told.severity] += 1
        if self._on_notice is None or self._heard[told.severity] > _MOST:
            return
        line, number = None, told.statement - self._ours
        if self._message is not None and number >= 0:
            if told.or_before and self._is_of_one_before(self._message, number, told.context):
                number -= 1
            offset = self._places.offset(self._message, number, Said(told.context), in_rows=False)
            line = None if offset is None else self._line(self._message, offset)
        self._on_notice(Notice(told.severity, told.text, self._path, line))

    def _is_of_one_before(self, message: Message, number: int, context: str) -> bool:
        """Return whether something that was said beside the rows of a statement was said by it, or by the one after it.

        One that answers with rows announces them first, and nothing of its own comes before that.
        """
        following = self._places.statement(message, number)
        answers = following is None or following.words[:1] in _ANSWERS_WITH_ROWS
        return answers or (context != "" and "inline_code_block" not in context)

    def _line(self, message: Message, offset: int) -> int | None:
        batch = message.batch
        if batch.start <= offset < batch.end:
            return batch.line + message.text.count("\n", 0, offset - batch.start)
        return self._places.line(offset)

    def _sum_up(self) -> None:
        for severity, count in self._heard.items():
            if count > _MOST and self._on_notice is not None:
                text = f"{count - _MOST:,} more like these were raised, and are not shown"
                self._on_notice(Notice(severity, text, self._path))
        self._heard.clear()


def _unfit(error: UnicodeEncodeError, start: int) -> SqlFailed:
    """Return the error for a script that asked for an encoding its own text, which begins at `start`, does not fit."""
    return SqlFailed(
        f"the script set client_encoding to one that lacks {error.object[error.start]!r}",
        offset=start + error.start,
        hint="migration files are UTF-8: take the SET client_encoding out",
    )
