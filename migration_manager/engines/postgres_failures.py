"""From a refusal of the server to an error that says where, why and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import pq

from migration_manager.engines.postgres_sql import ADVICE
from migration_manager.engines.postgres_wire import Refused, prologue
from migration_manager.errors import AlreadyRecorded, ConfigError, MigrationManagerError, SqlFailed
from migration_manager.model import Script, Statement

OWNS_TRANSACTION = "nothing of it was recorded; take its COMMIT or ROLLBACK out: the runner owns the transaction"


def sql_failed(error: Refused, offset: int | None, index: int, *, kept: int | None = None) -> SqlFailed:
    """Return a refused statement of a script as the seam's error."""
    return SqlFailed(
        error.message,
        code=error.code,
        detail=error.field(pq.DiagnosticField.MESSAGE_DETAIL),
        server_hint=error.field(pq.DiagnosticField.MESSAGE_HINT),
        context=error.field(pq.DiagnosticField.CONTEXT),
        offset=offset,
        hint=ADVICE.get(error.code),
        kept=kept,
        index=index,
    )


def script_failure(
    error: Refused, before: Sequence[str], script: Script | None, index: int, *, history: str, grant: str
) -> MigrationManagerError:
    """Say where in the script the server stopped: at its position, else at the start of the failing statement.

    `before` are our own statements in the same message, `history` is the name of the history table, `grant` what helps
    when our own statements lack a privilege.
    """
    own = len(prologue(before))
    if error.position is not None and error.position >= own:
        return sql_failed(error, error.position - own, index)
    if error.done < len(before):
        return own_failure(error, grant)
    number = error.done - len(before)
    statement = script.statements[number] if script and number < len(script.statements) else None
    offset = statement.start if statement else None
    if error.broke_the_guard:
        return _guard_failure(error, statement, index)
    failed = sql_failed(error, offset, index)
    if error.code == "55006" and history in error.message:
        failed.hint = "the file drops the history itself: keep it elsewhere, with `history_schema`"
    return failed


def _guard_failure(error: Refused, statement: Statement | None, index: int) -> SqlFailed:
    offset = statement.start if statement else None
    if statement is not None and statement.words[:2] == ("SET", "CONSTRAINTS"):
        return SqlFailed(
            "SET CONSTRAINTS ALL IMMEDIATE includes the runner's own guard",
            code=error.code,
            offset=offset,
            hint="name the constraints instead of ALL",
            index=index,
        )
    return SqlFailed(
        "the script commits the transaction it runs in; the server refused that",
        code=error.code,
        offset=offset,
        hint=OWNS_TRANSACTION,
        index=index,
    )


def own_failure(error: Refused, grant: str = "") -> MigrationManagerError:
    """Return the error for a statement of ours that stands before a script."""
    if error.code in ("23505", "22012"):  # see `Tables.begin_change`
        return AlreadyRecorded("another run was here first", hint="run again: it reads anew what is recorded")
    return as_error(error, grant)


def closing_failure(error: Refused, index: int) -> SqlFailed:
    """Return the error for the message that finishes the books and commits."""
    if error.code == "22012":  # see `Tables.finish_change`
        return SqlFailed("the script ended the transaction it runs in", hint=OWNS_TRANSACTION, index=index)
    if error.code == "25006":
        return SqlFailed(
            "the script made its transaction read-only, so its record cannot be written",
            code=error.code,
            hint="take SET TRANSACTION READ ONLY out",
            index=index,
        )
    return sql_failed(error, None, index)


def as_error(error: Refused, grant: str = "") -> MigrationManagerError:
    """Return the error for a statement of ours; `grant` is what helps when a privilege is missing."""
    if error.code == "42501":
        return ConfigError(f"the database user may not do this: {error.message}", hint=grant or None)
    return SqlFailed(error.message, code=error.code, hint=ADVICE.get(error.code))
