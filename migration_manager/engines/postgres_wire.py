"""The wire to a PostgreSQL server: one message of several statements at a time.

Everything goes over the simple query protocol, because several statements in one message are what keeps a short
migration at two round trips, and because the server then answers one result per statement, which says where a script
stopped.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, NamedTuple

import psycopg
from psycopg import pq, waiting

from migration_manager.engines.postgres_sql import GUARD
from migration_manager.errors import DatabaseUnreachable
from migration_manager.interrupts import held

Row = tuple[str | None, ...]


class Said(NamedTuple):
    """What the server said about a statement: its CONTEXT, and the query of a body it was at, with the offset."""

    context: str
    query: str | None = None
    position: int | None = None  # 0-based characters into the query


class Refused(Exception):
    """The server refused a statement of a message; `done` statements of that message had succeeded before it.

    `sent` are those of the message that were ours; what stood behind them was a script's.
    """

    def __init__(self, done: int, sent: Sequence[str], result: pq.abc.PGresult, encoding: str) -> None:
        self.done = done
        self.sent = tuple(sent)
        self._result = result
        self._encoding = encoding
        self.code = self.field(pq.DiagnosticField.SQLSTATE) or ""
        self.message = self.field(pq.DiagnosticField.MESSAGE_PRIMARY) or "the server gave no reason"
        super().__init__(self.message)

    def field(self, which: pq.DiagnosticField) -> str | None:
        value = self._result.error_field(which)
        return None if value is None else value.decode(self._encoding, "replace")

    @property
    def ours(self) -> str | None:
        """The statement of ours that was refused; None where it was a script's."""
        return self.sent[self.done] if self.done < len(self.sent) else None

    @property
    def broke_the_guard(self) -> bool:
        """Whether a COMMIT found the history row without its log row: see `Tables.create`."""
        constraint = self.field(pq.DiagnosticField.CONSTRAINT_NAME) or ""
        return self.code == "23503" and constraint.endswith(GUARD)

    @property
    def may_be_of_syntax(self) -> bool:
        """Whether this may have been seen while the message was read, before any of it ran."""
        return self.done == 0 and self.code.startswith(("42601", "22", "0A"))

    @property
    def position(self) -> int | None:
        """The 0-based character offset into the message, None where the server names no place in it."""
        value = self.field(pq.DiagnosticField.STATEMENT_POSITION)
        return None if value is None else int(value) - 1

    @property
    def said(self) -> Said:
        """What helps to find the place inside of a statement."""
        position = self.field(pq.DiagnosticField.INTERNAL_POSITION)
        return Said(
            self.field(pq.DiagnosticField.CONTEXT) or "",
            self.field(pq.DiagnosticField.INTERNAL_QUERY),
            None if position is None else int(position) - 1,
        )


@dataclass(frozen=True, slots=True)
class Told:
    """What the server said beside its answers, and during which statement of the message, from 0.

    With `or_before` it may also have been the statement before, between two of its rows.
    """

    statement: int
    severity: str
    text: str
    context: str
    or_before: bool = False


class Answer(NamedTuple):
    """What came of a message: the rows of each statement of ours, and how many the script selected, which are not kept.

    `may_have_ended` says that the script did something after which another transaction may be open.
    """

    rows: list[list[Row]]
    selected: int
    may_have_ended: bool


class Wire:
    """One connection.

    `on_told` hears what the server says beside its answers, while a message runs. `on_wait` is called about ten times a
    second while an answer is waited for, with the seconds since the message was sent; what it raises cancels what runs
    and comes out of `send`. With `one_command` the server refuses a piece of a script that is more than one command,
    whatever a lexer thought (manual 54.2.3): nothing can end a transaction that is going to be rolled back.
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self.on_told: Callable[[Told], None] | None = None
        self.on_wait: Callable[[float], None] | None = None
        self.one_command = False
        self._sent_at = 0.0
        self._told: deque[Told] = deque()
        self._unsettled = 0  # so many of the last of them were heard when a result was there already, and not fetched
        self._done = 0  # statements of the running message
        self._is_feeding = False  # rows to a COPY
        connection.add_notice_handler(self._hear)

    @property
    def address(self) -> str:
        info = self._connection.info
        return info.host if info.host.startswith("/") else f"{info.host}:{info.port}"

    @property
    def place(self) -> dict[str, str]:
        """Where exactly the other end is, as connection parameters."""
        info = self._connection.info
        place = {"host": info.host, "hostaddr": info.hostaddr, "port": str(info.port)}
        return {keyword: value for keyword, value in place.items() if value and not _is_local(keyword, info.host)}

    @property
    def pid(self) -> int:
        """The process that serves this connection, as whoever accepted it says: a pooler makes a number up."""
        return self._connection.info.backend_pid

    @property
    def is_open(self) -> bool:
        """Whether the connection still stands, as far as what has arrived tells. Asks nobody."""
        connection = self._connection.pgconn
        if connection.status != pq.ConnStatus.OK:
            return False
        with suppress(psycopg.OperationalError):
            for _ in range(_LAST_WORDS):
                connection.consume_input()
        return connection.status == pq.ConnStatus.OK

    @property
    def in_transaction(self) -> bool:
        return self._connection.info.transaction_status == pq.TransactionStatus.INTRANS

    @property
    def is_idle(self) -> bool:
        return self._connection.info.transaction_status == pq.TransactionStatus.IDLE

    @property
    def encoding(self) -> str:
        """Python's name of the encoding the session talks in; a script may change it."""
        try:
            encoding = self._connection.info.encoding
        except psycopg.NotSupportedError:
            return "ascii"  # Python knows it not; ASCII is the same in all of them
        # For SQL_ASCII the server takes bytes as they come, and a file's are UTF-8.
        return "utf-8" if encoding == "ascii" else encoding

    @property
    def backslashes(self) -> bool:
        """Whether the server takes a backslash in any string for an escape; a script may change it."""
        connection = self._connection.pgconn
        is_open = connection.status == pq.ConnStatus.OK
        return is_open and connection.parameter_status(b"standard_conforming_strings") == b"off"

    def close(self) -> None:
        with suppress(psycopg.Error):  # a connection that is lost already has nothing to close
            self._connection.close()

    def send(self, statements: Sequence[str], script: str = "", rows: Iterator[bytes] | None = None) -> Answer:
        """Send statements of ours, and after them a piece of a script, as one message.

        `rows` is what the COPY takes that ends the piece. Raises `Refused` at the first statement the server refuses,
        `DatabaseUnreachable` when the connection is lost, `UnicodeEncodeError` when a script made the session's
        encoding one that its own text does not fit.
        """
        connection, encoding = self._connection, self.encoding
        message = (prologue(statements) + script).encode(encoding)
        results = _Results(len(statements), encoding)
        self._sent_at = time.monotonic()
        try:
            with connection.lock:
                if script and self.one_command:
                    connection.pgconn.send_query_params(message, None)
                else:
                    connection.pgconn.send_query(message)
                if script:
                    _in_small_pieces(connection.pgconn)
                # Not `connection.wait`, which after Ctrl-C goes on with the rows of a COPY to their end.
                waiting.wait(self._collect(results, rows), connection.pgconn.socket, interval=_WAKE)
        except psycopg.OperationalError as error:
            raise _lost(" ".join(str(error).split())) from None
        except BaseException:  # Ctrl-C, or a file that cannot be read any more
            self._rest()
            raise
        finally:
            self._told.clear()
            self._unsettled = self._done = 0
            self._is_feeding = False
        if results.refused is not None:
            refused = Refused(results.done, statements, results.refused, encoding)
            if connection.pgconn.status != pq.ConnStatus.OK:
                raise _lost(refused.message)
            raise refused
        return Answer(results.answers, results.selected, results.may_have_ended)

    def _collect(self, results: _Results, rows: Iterator[bytes] | None) -> _Waiting:
        """Collect a message's results while staying interruptible; feeds the rows to a COPY FROM stdin."""
        connection = self._connection.pgconn
        yield from self._flush(connection)
        while True:
            while held(connection.is_busy):
                if not (yield waiting.Wait.R):
                    self._wait()
                self._take(connection)
            result = held(connection.get_result)
            if self._told:
                self._settle(result)
                self._tell()
            if result is None:
                return
            if result.status == pq.ExecStatus.COPY_IN:
                yield from self._feed(connection, rows)
            elif result.status in (pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH):
                while held(partial(connection.get_copy_data, 0))[0] > 0:
                    pass
            else:
                results.add(result)
                self._done = results.done

    def _flush(self, connection: pq.abc.PGconn) -> _Waiting:
        while connection.flush():
            if not (yield waiting.Wait.RW):
                self._wait()
            self._take(connection)  # the server may be waiting for us to hear what it says

    def _wait(self) -> None:
        if self.on_wait is not None:
            self.on_wait(time.monotonic() - self._sent_at)

    def _take(self, connection: pq.abc.PGconn) -> None:
        """Take in what has arrived, and tell what the server says: a storm of notices must not pile up."""
        connection.consume_input()
        while held(connection.notifies) is not None:
            pass  # a script may LISTEN; what arrives means nothing to us
        self._tell()

    def _hear(self, diagnostic: psycopg.errors.Diagnostic) -> None:
        # Called out of the driver, which swallows what is raised here: only noted, and told later. Whatever of the
        # driver reads what has arrived is therefore called with Ctrl-C `held`.
        text = "\n".join(filter(None, (diagnostic.message_primary, diagnostic.message_detail)))
        severity = diagnostic.severity_nonlocalized or diagnostic.severity or "NOTICE"
        self._told.append(Told(self._done, severity, text, diagnostic.context or ""))
        if self._unsettled or not (self._is_feeding or _awaits_result(self._connection.pgconn)):
            self._unsettled += 1

    def _settle(self, result: pq.abc.PGresult | None) -> None:
        """Say of what was heard while this result was there already, and not fetched, which statement raised it.

        That is the next one, whose messages libpq hands out at once; but a SELECT says something between its rows, too.
        """
        between_rows = result is not None and result.status in _ROWS
        for number in range(len(self._told) - self._unsettled, len(self._told)):
            self._told[number] = replace(self._told[number], statement=self._done + 1, or_before=between_rows)
        self._unsettled = 0

    def _tell(self) -> None:
        """Tell what was heard, in order, up to what is not settled yet."""
        while len(self._told) > self._unsettled:
            told = self._told.popleft()
            if self.on_told is not None:
                self.on_told(told)

    def _feed(self, connection: pq.abc.PGconn, rows: Iterator[bytes] | None) -> _Waiting:
        """Give a COPY its rows, and no faster than the server takes them: libpq would hold the rest."""
        self._is_feeding = True
        if rows is None:
            connection.put_copy_end(b"no rows follow this COPY in the file")
        else:
            try:
                for chunk in rows:
                    held(partial(connection.put_copy_data, chunk))
                    yield from self._flush(connection)
                    self._take(connection)
                connection.put_copy_end()
            except psycopg.OperationalError:
                pass  # the server has refused a row and said why: that is the next result
        yield from self._flush(connection)
        self._is_feeding = False

    def abandon(self) -> None:
        """End the transaction after an error of any kind; never raises for the database."""
        try:
            if not self.is_idle:
                self.send(["ROLLBACK"])
        except (DatabaseUnreachable, Refused):
            self.close()

    def _rest(self) -> None:
        """Cancel what is running; a session that does not come to rest is closed, and the server rolls back."""
        others, self.on_told = self.on_told, None  # nobody wants to hear the rest
        watched, self.on_wait = self.on_wait, None
        try:
            if self._connection.info.transaction_status == pq.TransactionStatus.ACTIVE:
                self._connection.cancel_safe(timeout=_REST)
                waiting.wait(self._drain(time.monotonic() + _REST), self._connection.pgconn.socket, interval=_WAKE)
        except psycopg.Error:
            self.close()
        finally:
            self.on_told, self.on_wait = others, watched

    def _drain(self, deadline: float) -> _Waiting:
        """Take what is left of a message that was cancelled."""
        connection = self._connection.pgconn
        while True:
            with suppress(psycopg.Error):  # where rows were being sent
                connection.put_copy_end(b"the runner was interrupted")
            yield from self._flush(connection)
            while held(connection.is_busy):
                if time.monotonic() > deadline:
                    raise psycopg.OperationalError("the server does not answer")
                yield waiting.Wait.R
                self._take(connection)
            if held(connection.get_result) is None:
                return


def _is_local(keyword: str, host: str) -> bool:
    """Return whether a parameter means nothing for a socket of this machine."""
    return keyword == "hostaddr" and host.startswith(("/", "@"))


def _awaits_result(connection: pq.abc.PGconn) -> bool:
    """Return whether nothing of the next result is there yet.

    Asked by having it come in small pieces, which the driver allows only then; `_Results.add` takes both forms.
    """
    try:
        _in_small_pieces(connection)
    except psycopg.OperationalError:
        return False
    return True


_ROWS: Final = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.TUPLES_CHUNK, pq.ExecStatus.SINGLE_TUPLE)
_LAST_WORDS: Final = 3  # readings in which a server that ends a session says why, and then hangs up
# ROLLBACK TO a savepoint has the tag of ROLLBACK, and AND CHAIN is not told by any (manual 53.7, CommandComplete).
_ENDS: Final = frozenset({b"COMMIT", b"ROLLBACK", b"PREPARE TRANSACTION"})
_REST: Final = 2.0  # seconds for a cancellation, and as many for the session to come to rest: see `interrupts.GRACE`
_WAKE: Final = 0.1  # seconds between two chances for Ctrl-C
_FEW: Final = 100  # rows of a script's SELECT that are held at once
_Waiting = Generator[waiting.Wait, waiting.Ready | int, None]


class _Results:
    """What a message's results come to: the rows of ours, how many of the script's, the refusal if there is one."""

    def __init__(self, ours: int, encoding: str) -> None:
        self._ours = ours
        self._part: list[Row] = []
        self.answers: list[list[Row]] = []
        self.done = 0
        self.selected = 0
        self.may_have_ended = False
        self.refused: pq.abc.PGresult | None = None

    def add(self, result: pq.abc.PGresult) -> None:
        if result.status == pq.ExecStatus.FATAL_ERROR:
            self.refused = result
            return
        if self.done < self._ours:
            self._part += _rows(result)
        else:
            self.selected += result.ntuples
            self.may_have_ended |= result.command_status in _ENDS
        if result.status in _ROWS and not result.command_status:
            return  # more of the same statement follows: the rest of its rows, or those another query of a rule gives
        if self.done < self._ours:
            self.answers.append(self._part)
            self._part = []
        self.done += 1


def prologue(statements: Sequence[str]) -> str:
    """Return our own statements as the text that stands before a script in a message."""
    return "".join(statement + "; " for statement in statements)


def _rows(result: pq.abc.PGresult) -> list[Row]:
    """Return the rows of a result, as text."""
    width = range(result.nfields)
    get = result.get_value
    rows = []
    for number in range(result.ntuples):
        values = (get(number, column) for column in width)
        rows.append(tuple(None if value is None else value.decode() for value in values))
    return rows


def _in_small_pieces(connection: pq.abc.PGconn) -> None:
    """Have what a script selects come a few rows at a time: it is counted, and libpq would hold it whole."""
    try:
        connection.set_chunked_rows_mode(_FEW)
    except psycopg.NotSupportedError:  # libpq before 17
        connection.set_single_row_mode()


def _lost(reason: str) -> DatabaseUnreachable:
    return DatabaseUnreachable(f"the connection was lost: {reason}")
