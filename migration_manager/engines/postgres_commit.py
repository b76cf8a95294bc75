"""Waiting for the answer to a COMMIT, and no longer than there can be one.

A line that lives and carries nothing is noticed by no timeout of the network's, and a synchronous standby that has gone
lets a COMMIT wait for ever (RELIABILITY B5). So after a while another session is asked what the server thinks of it.
Nothing is cancelled: a COMMIT that is cancelled while it waits for a standby is kept here, and not on the standby.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

from migration_manager.engines import postgres_sql as queries
from migration_manager.engines.postgres_connect import connect
from migration_manager.engines.postgres_session import Session
from migration_manager.engines.postgres_wire import Refused
from migration_manager.errors import DatabaseUnreachable

BEFORE_ASKING: Final = 15.0  # seconds before anybody is asked
BETWEEN: Final = 5.0  # seconds between two questions
STANDBY: Final = 60.0  # seconds that a synchronous standby gets to answer
_LOOKS: Final = 2  # at which a transaction has to be over, with no answer, before the line counts as lost
_SHORT: Final = "2"  # seconds for the second connection
_TO_ANSWER: Final = 3.0  # seconds it gets to answer: it may go over the very line that carries nothing


@contextmanager
def answered_in_time(session: Session, xid: str | None) -> Iterator[None]:
    """Give a COMMIT sent inside the time it needs; a line that will not bring its answer is closed, and so lost."""
    if xid is None:
        yield
        return
    wire, others = session.wire, session.wire.on_wait
    over, due = 0, BEFORE_ASKING

    def on_wait(seconds: float) -> None:
        nonlocal over, due
        if others is not None:
            others(seconds)
        if seconds < due:
            return
        due = seconds + BETWEEN
        state = _state_of(session, xid)
        over = over + 1 if state == "over" else 0
        if over >= _LOOKS or (state == "SyncRep" and seconds > STANDBY):
            why = "a synchronous standby does not answer" if state == "SyncRep" else "its answer does not come"
            wire.close()
            raise psycopg.OperationalError(why)

    wire.on_wait = on_wait
    try:
        yield
    finally:
        wire.on_wait = others


def _state_of(session: Session, xid: str) -> str | None:
    """Return what the server says of a transaction: over, or what it waits for; None where nobody answers."""
    try:
        second, _ = connect({**session.conninfo, "connect_timeout": _SHORT}, session.settings)
    except DatabaseUnreachable:
        return None

    def give_up(seconds: float) -> None:
        if seconds > _TO_ANSWER:
            second.close()  # nothing is cancelled: that would have to be waited for as well
            raise psycopg.OperationalError("no answer")

    second.on_wait = give_up
    try:
        status, waits = second.send([queries.verdict_of(xid), queries.what_waits(xid)]).rows
    except Refused as error:
        return "over" if error.code == "22023" else None
    except DatabaseUnreachable:
        return None
    finally:
        second.close()
    if status[0][0] != "in progress":
        return "over"
    return waits[0][0] if waits else "nothing"
