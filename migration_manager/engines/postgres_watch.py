"""Watching our own session from a second connection, while an answer is waited for.

Nothing about it may disturb the run: it is opened when a message has taken a while, never waited for longer than a
moment, and left alone for a growing time when it fails. It only reads, and holds nothing between two looks.
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from migration_manager.engines.base import WaitHandler
from migration_manager.engines.postgres_pooler import Pooling
from migration_manager.engines.postgres_session import Session
from migration_manager.engines.postgres_waits import lock_wait, progress_of, query_of_one, understood, waits_of
from migration_manager.errors import SqlFailed
from migration_manager.model import LockWait, Sighting

_WORTH_A_LOOK: Final = 0.3  # seconds a message takes before anybody looks
_BETWEEN: Final = 0.4  # seconds between two looks
_MOMENT: Final = 0.02  # seconds a step takes at most
_TO_ANSWER: Final = 2.0  # seconds a connection or an answer gets
_PAUSE: Final = 1.0  # seconds after a failure, doubled with each
_LONGEST_PAUSE: Final = 60.0

LOCK_NOT_AVAILABLE: Final = "55P03"

# The costs of views over functions are guesses, and would have the query compiled for longer than it runs.
_BEFORE: Final = "BEGIN READ ONLY; SET LOCAL jit = off; SET LOCAL statement_timeout = 2000; "


class Watch:
    """See `Wire.on_wait`. Tells `on_wait` what it sees, and gives way where that was allowed.

    `last` is the lock wait of the message that runs, or ran last, as it was last seen.
    """

    def __init__(self, session: Session, on_wait: WaitHandler | None) -> None:
        self._session = session
        self._on_wait = on_wait
        self._second: _Second | None = None
        self._next = 0.0
        self._pause = _PAUSE
        self._seconds = 0.0
        self._gives_way = False
        self.last: LockWait | None = None
        session.on_reopen = self.look_anew

    def __call__(self, seconds: float) -> None:
        """Look, if it is time to; raises `SqlFailed` when too many queue behind us and we may give way."""
        if seconds < self._seconds:  # another message
            self.last = None
            self._next = min(self._next, time.monotonic()) if self._second else self._next
            if self._second is not None:
                self._second.disregard()
        self._seconds = seconds
        # A look costs nothing any more once there is a connection, and a short lock_timeout leaves little time for one.
        if (seconds < _WORTH_A_LOOK and self._second is None) or self._session.pooling is Pooling.TRANSACTION:
            return
        try:
            answer = self._look()
            if answer is None:
                return
            facts = understood(answer)
            sighting = Sighting(seconds, lock_wait(waits_of(facts), self._session.pid), progress_of(facts))
        except (psycopg.Error, OSError, ValueError, KeyError, TypeError):
            self._fail()
            return
        self._pause = _PAUSE
        self._next = time.monotonic() + _BETWEEN
        self.last = sighting.wait or self.last
        if self._on_wait is not None:
            self._on_wait(sighting)
        self._give_way(sighting.wait)

    def begin(self) -> None:
        """Forget what was seen before."""
        self.last = None

    def look_anew(self) -> None:
        """Give up the second connection: the session is about to be another one, and may be on another server."""
        self.close()
        self._next, self._pause = 0.0, _PAUSE

    @contextmanager
    def giving_way(self) -> Iterator[None]:
        """Allow that what runs inside is cancelled when too many queue behind it: it must be safe to do so."""
        self._gives_way = True
        try:
            yield
        finally:
            self._gives_way = False

    def close(self) -> None:
        """Close the second connection; never raises for the database."""
        if self._second is not None:
            self._second.close()
            self._second = None

    def _give_way(self, wait: LockWait | None) -> None:
        limit = self._session.settings.lock_queue_limit
        if wait is None or not self._gives_way or not 0 < limit < wait.queued:
            return
        raise SqlFailed(
            f"gave way: {wait.queued} sessions queued behind the lock it waited for (lock_queue_limit is {limit})",
            code=LOCK_NOT_AVAILABLE,
        )

    def _look(self) -> str | None:
        """Go on with a look for a moment; return what it answers, once it does."""
        now = time.monotonic()
        if self._second is None:
            if now < self._next:
                return None
            self._second = _Second(self._address())
        elif not self._second.is_busy and now < self._next:
            return None
        query = query_of_one(self._session.pid, queries=self._session.settings.show_queries)
        return self._second.step(_BEFORE + query + "; COMMIT")

    def _address(self) -> str:
        session = self._session
        # The very server we are connected to: several may be named in an address, and a name may mean several.
        parameters = {**session.conninfo, **session.wire.place}
        parameters["application_name"] = f"watching {session.settings.application_name}"
        parameters.pop("target_session_attrs", None)
        return make_conninfo("", **parameters)

    def _fail(self) -> None:
        self.close()
        self._next = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)


class _Second:
    """A connection that is used step by step; raises `psycopg.Error` when it fails, or takes too long."""

    def __init__(self, address: str) -> None:
        self._connection = pq.PGconn.connect_start(address.encode())
        self._began = time.monotonic()
        self._is_connected = False
        self._is_asked = False
        self._counts = True  # what is asked for is what is wanted
        self._found: str | None = None

    @property
    def is_busy(self) -> bool:
        """Whether something was begun that has not come to its end."""
        return self._is_asked or not self._is_connected

    def disregard(self) -> None:
        """Throw away what is on its way: it is about something else."""
        self._counts = False

    def close(self) -> None:
        self._connection.finish()

    def step(self, query: str) -> str | None:
        """Go on for a moment; return the answer once it is there."""
        until = time.monotonic() + _MOMENT
        while True:
            if not self._is_connected:
                events = self._connect()
            elif not self._is_asked:
                self._ask(query)
                events = select.POLLIN
            else:
                if (answer := self._receive()) is not None:
                    return answer
                events = select.POLLIN
            now = time.monotonic()
            if now - self._began > _TO_ANSWER:
                raise psycopg.OperationalError("it takes too long")
            if events and not self._wait(events, until - now):
                return None

    def _connect(self) -> int:
        """Go on with connecting; return what to wait for, 0 when that is nothing."""
        status = self._connection.connect_poll()
        if status == pq.PollingStatus.FAILED:
            raise psycopg.OperationalError("no second connection")
        self._is_connected = status == pq.PollingStatus.OK
        if self._is_connected:
            return 0
        return select.POLLIN if status == pq.PollingStatus.READING else select.POLLOUT

    def _ask(self, query: str) -> None:
        self._connection.send_query(query.encode())
        self._began, self._is_asked, self._counts, self._found = time.monotonic(), True, True, None

    def _receive(self) -> str | None:
        self._connection.consume_input()
        while not self._connection.is_busy():
            result = self._connection.get_result()
            if result is None:
                self._is_asked = False
                return self._found if self._counts else None
            if result.status == pq.ExecStatus.FATAL_ERROR:
                raise psycopg.OperationalError("no answer")
            if result.ntuples:
                self._found = (result.get_value(0, 0) or b"").decode()
        return None

    def _wait(self, events: int, seconds: float) -> bool:
        """Wait for the server; return whether it is worth going on this very moment."""
        poll = select.poll()
        poll.register(self._connection.socket, events)
        with suppress(InterruptedError):
            return bool(poll.poll(max(0.0, seconds) * 1000))
        return False
