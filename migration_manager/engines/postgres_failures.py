"""From a refusal of the server to an error that says where, why and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from psycopg import pq

from migration_manager.engines.postgres_places import Places
from migration_manager.engines.postgres_sql import ADVICE, CHECK
from migration_manager.engines.postgres_wire import Refused, prologue
from migration_manager.errors import AlreadyRecorded, ConfigError, MigrationManagerError, SqlFailed
from migration_manager.messages import Message
from migration_manager.model import Statement

OWNS_TRANSACTION = "nothing of it was recorded; take its COMMIT or ROLLBACK out: the runner owns the transaction"
# The statements of ours in which what a script has deferred speaks.
_LETS_SPEAK: Final = frozenset({"SET CONSTRAINTS ALL IMMEDIATE", "COMMIT"})


def sql_failed(error: Refused, offset: int | None) -> SqlFailed:
    """Return a refused statement of a script as the seam's error."""
    return SqlFailed(
        error.message,
        code=error.code,
        detail=error.field(pq.DiagnosticField.MESSAGE_DETAIL),
        server_hint=error.field(pq.DiagnosticField.MESSAGE_HINT),
        context=error.field(pq.DiagnosticField.CONTEXT),
        offset=offset,
        hint=ADVICE.get(error.code),
    )


def placed(error: Refused, before: Sequence[str], message: Message, places: Places) -> SqlFailed | Refused:
    """Return the failure of a script's statement with its place in the file; the refusal itself for one of `before`.

    `before` are our own statements in the same message.
    """
    number, offset = error.done - len(before), None
    statement = places.statement(message, number) if number >= 0 else None
    if error.position is not None and (position := error.position - len(prologue(before))) >= 0:
        # The whole message is read before its first statement runs. Later on the place is in the statement that runs,
        # unless it is in a text the server had before: that of a prepared statement, which it plans anew.
        if statement is None or error.may_be_of_syntax or statement.start <= position <= statement.end:
            offset = message.batch.start + position
    elif number < 0:
        return error
    if offset is None:
        offset = places.offset(message, max(number, 0), error.said)
    if error.broke_the_guard:
        return _guard_failure(error, statement, offset)
    failed = sql_failed(error, offset)
    if statement is not None and statement.words[:1] == ("SET",) and error.code == "42704":
        failed.hint = (
            "a newer pg_dump wrote this; delete the line, or dump again with the pg_dump of this server's version"
        )
    return failed


def _guard_failure(error: Refused, statement: Statement | None, offset: int | None) -> SqlFailed:
    if statement is not None and statement.words[:2] == ("SET", "CONSTRAINTS"):
        return SqlFailed(
            "SET CONSTRAINTS ALL IMMEDIATE includes the runner's own guard",
            code=error.code,
            offset=offset,
            hint="name the constraints instead of ALL",
        )
    return SqlFailed(
        "the script commits the transaction it runs in; the server refused that",
        code=error.code,
        offset=offset,
        hint=OWNS_TRANSACTION,
    )


def failed_check(error: Refused) -> int | None:
    """Return the index in its message of the check of ours that failed; None when something else was refused.

    A check divides by zero, and so may a script: in a deferred trigger it does that at our COMMIT.
    """
    is_check = error.code == "22012" and error.ours is not None and error.ours.startswith(CHECK)
    return error.done if is_check else None


def own_failure(error: Refused, grant: str = "") -> MigrationManagerError:
    """Return the error for a statement of ours that stands before a script."""
    if error.code == "23505" or failed_check(error) is not None:  # see `Tables.begin_change`
        return AlreadyRecorded("another run was here first", hint="run again: it reads anew what is recorded")
    return as_error(error, grant)


def closing_failure(error: Refused) -> SqlFailed:
    """Return the error for the message that finishes the books and commits."""
    if failed_check(error) is not None:  # see `Tables.finish_change`
        return SqlFailed("the script ended the transaction it runs in", hint=OWNS_TRANSACTION)
    if error.code == "25006" and error.ours not in _LETS_SPEAK:
        return SqlFailed(
            "the script made its transaction read-only, so its record cannot be written",
            code=error.code,
            hint="take SET TRANSACTION READ ONLY out",
        )
    return sql_failed(error, None)


def as_error(error: Refused, grant: str = "") -> MigrationManagerError:
    """Return the error for a statement of ours; `grant` is what helps when a privilege is missing."""
    if error.code == "42501":
        return ConfigError(f"the database user may not do this: {error.message}", hint=grant or None)
    if _is_of_a_standby(error):
        return ConfigError("this database can only be read: it is a standby", hint="use the address of the primary")
    return sql_failed(error, None)


def _is_of_a_standby(error: Refused) -> bool:
    """Return whether a transaction of ours that writes was refused where nobody may write.

    A standby refuses to begin it, with what stands for any feature that is missing (0A000); a server that became one
    since, or only seems to take writes, refuses what follows.
    """
    begins = error.sent[0] if error.sent and error.ours is not None else ""
    if not (begins.startswith("BEGIN") and "READ WRITE" in begins):
        return False
    return error.code == "25006" or (error.code == "0A000" and error.done == 0)
