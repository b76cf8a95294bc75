"""What stands between us and the server: nothing, or a connection pooler, and of which kind (RELIABILITY B3)."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Final

from migration_manager.engines.postgres_failures import as_error
from migration_manager.engines.postgres_wire import Refused, Wire
from migration_manager.errors import ConfigError, DatabaseUnreachable

_PID: Final = "SELECT pg_catalog.pg_backend_pid()"
_TO_BE_SERVED: Final = 3.0  # seconds a second connection gets to be served; a pool may be full
_ROUNDS: Final = 3
_STATEMENT_POOLING: Final = "statement pooling"  # PgBouncer's words for it, which are English everywhere


class Pooling(enum.Enum):
    """How long a server session is ours."""

    NONE = "none"  # we talk to the server itself
    SESSION = "session"  # a pooler that lends one for as long as we are connected
    TRANSACTION = "transaction"  # a pooler that may lend another one for each transaction


class _NotServed(Exception):
    """The pooler kept a second connection waiting."""


def pooling_behind(first: Wire, connect: Callable[[], Wire]) -> Pooling:
    """Return how a pooler lends its sessions to `first`; opens a second connection to find out. Leaves nothing behind.

    Whether sessions change can be seen, that they never do cannot be proved: a doubt answers TRANSACTION, with which
    nothing can go wrong. Raises `ConfigError` for a pooler that allows no transactions, `DatabaseUnreachable` when a
    connection is lost, and as `as_error` says for what else is refused.
    """
    second = connect()
    second.on_wait = _give_up
    try:
        _refuse_statement_pooling(second)
        return Pooling.TRANSACTION if _share_sessions(first, second) else Pooling.SESSION
    except _NotServed:
        return Pooling.TRANSACTION
    except Refused as error:
        raise as_error(error) from None
    finally:
        second.close()


def _refuse_statement_pooling(wire: Wire) -> None:
    try:
        wire.send(["BEGIN"])
        wire.send(["ROLLBACK"])
    except (Refused, DatabaseUnreachable) as error:  # whoever is told so is hung up on
        if _STATEMENT_POOLING not in str(error):
            raise
        raise ConfigError(
            "the connection pooler allows no transactions (statement pooling), and a migration is one",
            hint="set `migrate_url` to an address past the pooler, or pool_mode to session or transaction there",
        ) from None


def _share_sessions(first: Wire, second: Wire) -> bool:
    """Return whether two connections were seen to use one server session, or one of them to change its own."""
    seen: dict[Wire, str] = {}
    for wire in (first, second, first, first, second, second, first) * _ROUNDS:
        pid = wire.send([_PID]).rows[0][0][0] or ""
        if seen.setdefault(wire, pid) != pid or len(set(seen.values())) < len(seen):
            return True
    return False


def _give_up(seconds: float) -> None:
    if seconds > _TO_BE_SERVED:
        raise _NotServed
