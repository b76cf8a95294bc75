"""The wire to a PostgreSQL server: connecting, and one message of several statements at a time.

Everything goes over the simple query protocol, because several statements in one message are what keeps a migration at
two round trips, and because the server then answers one result per statement, which says where a script stopped.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import pq, waiting

from migration_manager.engines.base import NoticeHandler, SessionSettings
from migration_manager.engines.postgres_sql import GUARD, literal
from migration_manager.errors import DatabaseMissing, DatabaseUnreachable, SqlFailed
from migration_manager.model import Notice

Row = tuple[str | None, ...]


class Refused(Exception):
    """The server refused a statement of a message; `done` statements of that message had succeeded before it."""

    def __init__(self, done: int, result: pq.abc.PGresult, encoding: str) -> None:
        self.done = done
        self._result = result
        self._encoding = encoding
        self.code = self.field(pq.DiagnosticField.SQLSTATE) or ""
        self.message = self.field(pq.DiagnosticField.MESSAGE_PRIMARY) or "the server gave no reason"
        super().__init__(self.message)

    def field(self, which: pq.DiagnosticField) -> str | None:
        value = self._result.error_field(which)
        return None if value is None else value.decode(self._encoding, "replace")

    @property
    def broke_the_guard(self) -> bool:
        """Whether a COMMIT found the history row without its log row: see `Tables.create`."""
        constraint = self.field(pq.DiagnosticField.CONSTRAINT_NAME) or ""
        return self.code == "23503" and constraint.endswith(GUARD)

    @property
    def position(self) -> int | None:
        """The 0-based character offset into the message, None where the server names no place in it."""
        value = self.field(pq.DiagnosticField.STATEMENT_POSITION)
        return None if value is None else int(value) - 1


class Wire:
    """One connection. `defaults` are the statements that give a session its settings where its start could not."""

    def __init__(self, connection: psycopg.Connection, defaults: Sequence[str]) -> None:
        self._connection = connection
        self.defaults = tuple(defaults)

    @property
    def address(self) -> str:
        info = self._connection.info
        return info.host if info.host.startswith("/") else f"{info.host}:{info.port}"

    @property
    def in_transaction(self) -> bool:
        return self._connection.info.transaction_status == pq.TransactionStatus.INTRANS

    @property
    def is_idle(self) -> bool:
        return self._connection.info.transaction_status == pq.TransactionStatus.IDLE

    @property
    def is_utf8(self) -> bool:
        return self._connection.info.encoding == "utf-8"

    def listen(self, on_notice: NoticeHandler) -> None:
        """Have the server's notices told."""
        self._connection.add_notice_handler(lambda diag: on_notice(_notice(diag)))

    def close(self) -> None:
        with suppress(psycopg.Error):  # a connection that is lost already has nothing to close
            self._connection.close()

    def send(self, statements: Sequence[str], script: str = "", copies: Sequence[str] = ()) -> list[pq.abc.PGresult]:
        """Send statements of ours and then a script as one message; return a result for each of ours.

        `copies` are the rows of the script's COPY statements, in order. What the script selects is not kept. Raises
        `Refused` at the first statement the server refuses, `DatabaseUnreachable` when the connection is lost,
        `SqlFailed` when a script made the session's encoding one that its own text does not fit.
        """
        connection = self._connection
        encoding = connection.info.encoding
        try:
            message = (prologue(statements) + script).encode(encoding)
            rows = [copy.encode(encoding) for copy in copies]
        except UnicodeEncodeError as error:
            raise SqlFailed(f"the script set client_encoding to one that lacks {error.object[error.start]!r}") from None
        try:
            with connection.lock:
                connection.pgconn.send_query(message)
                results, done = connection.wait(_results(connection.pgconn, rows, keep=len(statements)))
        except psycopg.OperationalError as error:
            raise _lost(" ".join(str(error).split())) from None
        if results and results[-1].status == pq.ExecStatus.FATAL_ERROR:
            refused = Refused(done, results[-1], encoding)
            if connection.pgconn.status != pq.ConnStatus.OK:
                raise _lost(refused.message)
            raise refused
        return results


def prologue(statements: Sequence[str]) -> str:
    """Return our own statements as the text that stands before a script in a message."""
    return "".join(statement + "; " for statement in statements)


def rows_of(result: pq.abc.PGresult) -> list[Row]:
    """Return the rows of a result, as text."""
    width = range(result.nfields)
    get = result.get_value
    rows = []
    for number in range(result.ntuples):
        values = (get(number, column) for column in width)
        rows.append(tuple(None if value is None else value.decode() for value in values))
    return rows


def _results(
    connection: pq.abc.PGconn, copies: list[bytes], *, keep: int
) -> Generator[waiting.Wait, waiting.Ready | int, tuple[list[pq.abc.PGresult], int]]:
    """Collect a message's results while staying interruptible; feeds the rows of each COPY FROM stdin in turn.

    Returns the first `keep` results, and after them the refusal if there is one, with how many statements succeeded.
    What a script selects is dropped as it comes.
    """
    results: list[pq.abc.PGresult] = []
    done = 0
    while True:
        while connection.flush():
            ready = yield waiting.Wait.RW
            if ready & waiting.Ready.R:
                connection.consume_input()
        connection.consume_input()
        while connection.is_busy():
            yield waiting.Wait.R
            connection.consume_input()
        while connection.notifies() is not None:
            pass  # a script may LISTEN; what arrives means nothing to us
        result = connection.get_result()
        if result is None:
            return results, done
        if result.status == pq.ExecStatus.COPY_IN:
            if copies:
                connection.put_copy_data(copies.pop(0))
                connection.put_copy_end()
            else:
                connection.put_copy_end(b"no rows follow this COPY in the file")
        elif result.status in (pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH):
            while connection.get_copy_data(0)[0] > 0:
                pass
        elif result.status == pq.ExecStatus.FATAL_ERROR:
            results.append(result)
        else:
            done += 1
            if done <= keep:
                results.append(result)


def _lost(reason: str) -> DatabaseUnreachable:
    return DatabaseUnreachable(
        f"the connection was lost: {reason}",
        state="what was being done is not known to have been kept; `status` tells",
    )


def _notice(diag: psycopg.errors.Diagnostic) -> Notice:
    text = "\n".join(filter(None, (diag.message_primary, diag.message_detail)))
    return Notice(diag.severity_nonlocalized or diag.severity or "NOTICE", text)


# ----------------------------------------------------------------------------------------- connecting


def connect(conninfo: Mapping[str, str], settings: SessionSettings) -> Wire:
    """Connect with the session's settings. Raises `DatabaseUnreachable`, `DatabaseMissing`."""
    parameters = {"connect_timeout": "10", "application_name": settings.application_name, **conninfo}
    if _wants_primary(parameters):
        parameters["target_session_attrs"] = "primary"
    # What PGOPTIONS says still counts, although an explicit `options` would hide it from libpq.
    options = f"{_effective(parameters, 'options')} {_startup_options(settings)}".strip()
    try:
        return Wire(_connect_once({**parameters, "options": options}), ())
    except psycopg.OperationalError as error:
        # PgBouncer refuses the options parameter, always in English. The same settings are then SET by message.
        if "startup parameter" not in str(error):
            raise unreachable(error, parameters) from None
    try:
        connection = _connect_once(parameters)
    except psycopg.OperationalError as error:
        raise unreachable(error, parameters) from None
    return Wire(connection, [f"SET {name} = {literal(value)}" for name, value in _session_values(settings).items()])


def _wants_primary(parameters: Mapping[str, str]) -> bool:
    """Return whether "a server that can be written to" is asked for, or is what several hosts are given for.

    libpq's own "read-write" would reject our sessions, which are read-only by default; "primary" is what is meant.
    """
    asked = _effective(parameters, "target_session_attrs")
    several = "," in _effective(parameters, "host") or "," in _effective(parameters, "hostaddr")
    return asked == "read-write" or (several and asked in ("", "any") and "target_session_attrs" not in parameters)


def _effective(parameters: Mapping[str, str], keyword: str) -> str:
    """Return what libpq will use for a keyword: what is given, else what its variables say, else nothing."""
    if keyword in parameters:
        return parameters[keyword]
    for option in pq.Conninfo.get_defaults():
        if option.keyword == keyword.encode():
            return (option.val or b"").decode()
    return ""


def _connect_once(parameters: Mapping[str, str]) -> psycopg.Connection:
    # No server-side prepared statements: DEALLOCATE and DISCARD between files would pull them away (B6).
    keywords: dict[str, Any] = {**parameters, "client_encoding": "utf8"}
    return psycopg.connect("", autocommit=True, prepare_threshold=None, **keywords)


def _session_values(settings: SessionSettings) -> dict[str, str]:
    values = {
        "default_transaction_read_only": "on",  # only a transaction of ours, opened READ WRITE, may write
        # Inherited values would end us between two messages, or while a person answers.
        "idle_in_transaction_session_timeout": "0",
        "idle_session_timeout": "0",
    }
    for name, value in (("lock_timeout", settings.lock_timeout), ("statement_timeout", settings.statement_timeout)):
        if value is not None:
            values[name] = str(value)
    return values


def _startup_options(settings: SessionSettings) -> str:
    # The check interval ends the backend of a runner that was killed, within a second (RELIABILITY finding 5).
    values = {**_session_values(settings), "client_connection_check_interval": "1000"}
    return " ".join(f"-c {name}={value}" for name, value in values.items())


def unreachable(error: psycopg.OperationalError, parameters: Mapping[str, str]) -> DatabaseUnreachable:
    """Return the error for a connection that could not be made."""
    words = " ".join(str(error).split())
    database = parameters.get("dbname", "")
    if database and f'database "{database}" does not exist' in words:
        return DatabaseMissing(f"there is no database {database}", hint="`db create` makes it")
    return DatabaseUnreachable(
        f"cannot connect: {words}",
        hint="`db wait` waits for a server that is starting; `config` shows the address",
    )
