"""Connecting to a PostgreSQL server, with the session's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import pq

from migration_manager.engines.base import SessionSettings
from migration_manager.engines.postgres_wire import Wire
from migration_manager.errors import DatabaseMissing, DatabaseUnreachable, ServerFull

# A server that has gone without a word is noticed within two minutes, not after the two hours of the system's default.
_KEEPALIVES = {
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "6",
    "tcp_user_timeout": "90000",
}
# libpq gives no SQLSTATE for a connection that was refused (it is 53300). A server that says it in another language is
# not known for full, and not tried again.
_FULL = (
    "too many clients already", "remaining connection slots are reserved", "too many connections for",
    "no more connections allowed",
)  # fmt: skip
# An OSError is the process's own trouble: too many open files.
NO_CONNECTION = (psycopg.OperationalError, OSError)


def connect(conninfo: Mapping[str, str], settings: SessionSettings) -> tuple[Wire, bool]:
    """Connect; say as well whether the session began with its settings.

    Where it did not, a pooler stands between that takes no `options`, and nothing has been set. Raises
    `DatabaseUnreachable`, `DatabaseMissing`, `ServerFull`.
    """
    parameters = with_primary(
        {"connect_timeout": "10", "application_name": settings.application_name, **_KEEPALIVES, **conninfo}
    )
    # What PGOPTIONS says still counts, although an explicit `options` would hide it from libpq.
    options = f"{_effective(parameters, 'options')} {_startup_options(settings)}".strip()
    try:
        return Wire(_connect_once({**parameters, "options": options})), True
    except NO_CONNECTION as error:
        # PgBouncer refuses the options parameter, always in English.
        if "startup parameter" not in str(error):
            raise unreachable(error, parameters) from None
    try:
        return Wire(_connect_once(parameters)), False
    except NO_CONNECTION as error:
        raise unreachable(error, parameters) from None


def with_primary(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters as they lead to the same server, whichever program connects."""
    return {**parameters, **({"target_session_attrs": "primary"} if _wants_primary(parameters) else {})}


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


def session_values(settings: SessionSettings) -> dict[str, str]:
    """Return the settings of a session of ours, by name. A file may change them for itself."""
    values = {
        "default_transaction_read_only": "on",  # only a transaction of ours, opened READ WRITE, may write
        "standard_conforming_strings": "on",  # what a file means is in the file: it may set it off for itself
        # Inherited values would end us between two messages, or while a person answers.
        "idle_in_transaction_session_timeout": "0",
        "idle_session_timeout": "0",
        # Ends the session of a runner that was killed, within a second (RELIABILITY finding 5).
        "client_connection_check_interval": "1000",
    }
    for name, value in (("lock_timeout", settings.lock_timeout), ("statement_timeout", settings.statement_timeout)):
        if value is not None:
            values[name] = str(value)
    return values


def _startup_options(settings: SessionSettings) -> str:
    return " ".join(f"-c {name}={value}" for name, value in session_values(settings).items())


def unreachable(error: Exception, parameters: Mapping[str, str]) -> DatabaseUnreachable:
    """Return the error for a connection that could not be made."""
    words = " ".join(str(error).split())
    database = parameters.get("dbname", "")
    if database and f'database "{database}" does not exist' in words:
        return DatabaseMissing(f"there is no database {database}", hint="`db create` makes it")
    if any(word in words for word in _FULL):
        return ServerFull(
            f"cannot connect: {words}", hint="run again when others have gone, or raise the limit that is named"
        )
    return DatabaseUnreachable(
        f"cannot connect: {words}",
        hint="`db wait` waits for a server that is starting; `config` shows the address",
    )
