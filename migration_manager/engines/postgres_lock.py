"""The one lock of a target: an advisory lock, on the session that does the work or inside each of its transactions.

The session's lock and a transaction's are of one key, so that whoever uses either keeps out whoever uses the other.
Neither is ever waited for by the server: a blocking call deadlocks with CREATE INDEX CONCURRENTLY (RELIABILITY B3).
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable
from contextlib import suppress

import psycopg

from migration_manager.engines import postgres_sql as queries
from migration_manager.engines.postgres_session import Session
from migration_manager.engines.postgres_values import moment
from migration_manager.errors import LockNotAcquired, MigrationManagerError
from migration_manager.model import LockHolder


class TargetLock:
    """The lock of one history, as one session sees it. Whatever asks the server raises as `Session.ask` does."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.key = _key(session.tables)

    def poll(self, wait: float, on_wait: Callable[[LockHolder | None, float], None]) -> None:
        """Take the lock for the session; raises `LockNotAcquired` after `wait` seconds."""
        began = told = time.monotonic()
        pause = 0.02
        while not self.try_once():
            now = time.monotonic()
            if now - began >= wait:
                raise LockNotAcquired(now - began, self.holder())
            if now - told >= 1:
                told = now
                on_wait(self.holder(), now - began)
            time.sleep(min(pause * random.uniform(0.5, 1.5), max(0.01, began + wait - now)))  # noqa: S311 - jitter
            pause = min(pause * 1.5, 0.5)

    def try_once(self) -> bool:
        """Return whether the lock is the session's now; one more time, where it was already."""
        ((answer,),) = self._session.command(f"SELECT pg_catalog.pg_try_advisory_lock({self.key})")[0]
        return answer == "t"

    def release(self) -> None:
        """Let go of the session's lock; never raises for the database."""
        # The lock goes with the session anyway; a lost connection must not hide the first error.
        with suppress(MigrationManagerError, psycopg.Error):
            self._session.command(queries.release_lock(self.key))

    def still_held(self) -> bool:
        """Return whether the lock is the session's, after taking it again where a statement let go of it."""
        ((held,),) = self._session.command(queries.lock_is_ours(self.key))[0]
        return held == "t" or self.try_once()

    def holder(self) -> LockHolder | None:
        """Return who holds it; None when nobody does any more."""
        rows = self._session.command(queries.lock_holder(self.key))[0]
        if not rows:
            return None
        pid, user, application, host, since = rows[0]
        return LockHolder(int(pid or 0), user, application or None, host, moment(since) if since else None)


def _key(tables: queries.Tables) -> int:
    """Return the lock's key: the same for everybody who uses this history, another for other tables."""
    digest = hashlib.sha256(f"migration_manager:{tables.shown}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
