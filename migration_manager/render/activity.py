"""Who blocks whom, as lines on a screen and as a document."""

from __future__ import annotations

from collections.abc import Sequence

from migration_manager.blocking import blocked_by, describe_session, describe_wait, grant_seeing, one_line, queued
from migration_manager.durations import duration
from migration_manager.errors import describe_holder
from migration_manager.model import Activity, Identity, LockHolder, LockWait, ServerSession, Waiter
from migration_manager.render.documents import Document, milliseconds, server_session
from migration_manager.render.documents import identity as identity_document
from migration_manager.render.screen import DIM, HEAD, LOOK, Screen
from migration_manager.render.text import identity_line

_UNDER = " " * 11


def show_activity(screen: Screen, environment: str, identity: Identity, activity: Activity) -> None:
    """Show the run that is in progress, where there is none who waits, and whose transactions are open."""
    screen.result(*identity_line(environment, identity))
    screen.result("")
    if activity.runners:
        for runner in activity.runners:
            _show_waiter(screen, "running", runner)
        shown = {runner.session.pid for runner in activity.runners}
        shown |= {other.pid for runner in activity.runners if runner.wait for other in runner.wait.blockers}
        _show_open(screen, [session for session in activity.oldest if session.pid is None or session.pid not in shown])
    else:
        _show_others(screen, activity)
    if activity.is_hidden:
        screen.result("")
        screen.result((grant_seeing(identity.user), DIM))


def show_holder(screen: Screen, environment: str, identity: Identity, holder: LockHolder | None) -> None:
    """Show who has the lock of a database that has no sessions to look at."""
    screen.result(*identity_line(environment, identity))
    screen.result("")
    if holder is None:
        screen.result("no run is in progress.")
    else:
        screen.result(("  running  ", LOOK), describe_holder(holder), " has the migration lock")
    screen.result("SQLite does not tell who else has a transaction open: other programs have to be asked themselves.")


def _show_others(screen: Screen, activity: Activity) -> None:
    if not activity.waiters and not activity.oldest:
        screen.result("no run is in progress, nobody waits for a lock, and no open transaction has locked a table.")
        return
    screen.result("no run is in progress.")
    for waiter in activity.waiters:
        _show_waiter(screen, "waiting", waiter)
    _show_open(screen, activity.oldest)


def _show_open(screen: Screen, sessions: Sequence[ServerSession]) -> None:
    if sessions:
        screen.result("")
        screen.result(("open transactions that a migration may have to wait for, oldest first:", HEAD))
        for session in sessions:
            _show_session(screen, "  ", session)


def _show_waiter(screen: Screen, word: str, waiter: Waiter) -> None:
    screen.result((f"  {word:<9}", LOOK), describe_session(waiter.session))
    query = one_line(waiter.session.query, screen.clean)
    if query is not None:
        screen.result(_UNDER, (query, DIM))
    if waiter.wait is None:
        return
    since = "" if waiter.wait.seconds is None else f" for {duration(round(waiter.wait.seconds * 1000))}"
    screen.result(_UNDER, f"waits for {describe_wait(waiter.wait)}{since}")
    for blocker, line in zip(waiter.wait.blockers, blocked_by(waiter.wait), strict=True):
        screen.result(_UNDER, line)
        _show_query(screen, _UNDER + "  ", blocker)
    if (behind := queued(waiter.wait, "it")) is not None:
        screen.result(_UNDER, behind)


def _show_session(screen: Screen, margin: str, session: ServerSession) -> None:
    more = [] if session.transaction_age is None or session.gid else [
        f"its transaction is {duration(round(session.transaction_age * 1000))} old"
    ]  # fmt: skip
    more += [f"has locked {', '.join(session.holds)}"] if session.holds else []
    screen.result(margin, "; ".join((describe_session(session), *more)))
    _show_query(screen, margin + "  ", session)


def _show_query(screen: Screen, margin: str, session: ServerSession) -> None:
    query = one_line(session.query, screen.clean)
    if query is not None:
        screen.result(margin, ("" if session.state == "active" else "last: ", DIM), (query, DIM))


# ---------------------------------------------------------------------------------------- documents


def activity_document(environment: str, identity: Identity, activity: Activity) -> Document:
    """Return everything that was seen; `running` are the sessions that have the migration lock."""
    return {
        "environment": environment,
        "database": identity_document(identity),
        "running": [_waiter(waiter) for waiter in activity.runners],
        "waiting": [_waiter(waiter) for waiter in activity.waiters],
        "open_transactions": _sessions(activity.oldest),
        "hint": grant_seeing(identity.user) if activity.is_hidden else None,
    }


def holder_document(environment: str, identity: Identity, holder: LockHolder | None) -> Document:
    """Return the same of a database that has no sessions to look at."""
    running = [] if holder is None else [_waiter(Waiter(ServerSession(
        holder.pid, user=holder.user, application=holder.application, host=holder.host
    ), None))]  # fmt: skip
    return {
        "environment": environment,
        "database": identity_document(identity),
        "running": running,
        "waiting": [],
        "open_transactions": [],
        "hint": None,
    }


def _waiter(waiter: Waiter) -> Document:
    return {"session": server_session(waiter.session), "waits": None if waiter.wait is None else _wait(waiter.wait)}


def _wait(wait: LockWait) -> Document:
    return {
        "kind": wait.kind,
        "on": wait.on,
        "mode": wait.mode,
        "waited_ms": milliseconds(wait.seconds),
        "blocked_by": _sessions(wait.blockers),
        "queued": wait.queued,
    }


def _sessions(sessions: Sequence[ServerSession]) -> list[Document]:
    return [server_session(session) for session in sessions]
