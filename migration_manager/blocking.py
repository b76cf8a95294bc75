"""Who is in the way, in words. Pure; a query may hold secrets, so whoever shows or stores what is said cleans it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from migration_manager.durations import duration
from migration_manager.model import LockWait, ServerProgress, ServerSession

_QUERY: Final = 100  # characters of a query that are shown


def describe_session(session: ServerSession) -> str:
    """Say who a session is and what it does: `pid 4711 (report, alice) idle in transaction for 38 s`."""
    if session.gid is not None:
        age = "" if session.transaction_age is None else f", {_age(session.transaction_age)} old"
        return f"the prepared transaction {session.gid!r}{f' of {session.user}' if session.user else ''}{age}"
    if session.kind == "autovacuum worker":
        urgent = " to prevent wraparound" if "to prevent wraparound" in (session.query or "") else ""
        return f"autovacuum (pid {session.pid}){urgent}{_since(session)}"
    about = [part for part in (session.application, session.user, session.host) if part]
    who = f"pid {session.pid}" + (f" ({', '.join(about)})" if about else "")
    if session.user is None:
        who += ", a process of the server itself"
    return who + (f" {session.state}{_since(session)}" if session.state else "")


def describe_wait(wait: LockWait) -> str:
    """Say what is waited for: `lock on tasks`."""
    if wait.kind in ("transactionid", "tuple"):
        return f"a row of {wait.on} that another transaction changed" if wait.on else "another transaction's end"
    if wait.kind == "virtualxid":
        return "the end of transactions that began earlier"
    if wait.kind == "advisory":
        return "an advisory lock"
    return f"lock on {wait.on}" if wait.on else f"a lock ({wait.kind})"


def blocked_by(wait: LockWait) -> list[str]:
    """Return a line for each one in the way, the nearest first; one that waits itself says for whom."""
    return ["blocked by " + describe_session(blocker) + _in_turn(blocker) for blocker in wait.blockers]


def queued(wait: LockWait, whom: str = "us") -> str | None:
    """Say how many queue behind the one who waits; None when nobody does."""
    if not wait.queued:
        return None
    return f"{wait.queued} session{' queues' if wait.queued == 1 else 's queue'} behind {whom}"


def hidden(wait: LockWait) -> bool:
    """Return whether the server keeps from this login what one in the way is doing."""
    return any(blocker.hidden for blocker in wait.blockers)


def grant_seeing(login: str) -> str:
    """Return the sentence about what is kept from a login, and the statement that helps."""
    quoted = '"' + login.replace('"', '""') + '"'
    return f"what others are doing is kept from this login; as a superuser: GRANT pg_read_all_stats TO {quoted};"


def last_word(tries: int, wait: LockWait | None) -> str:
    """Say how often something was tried, and who was in the way when it was last seen; empty for one try unseen."""
    told = [f"tried {tries} times"] if tries > 1 else []
    if wait is not None:
        told += blocked_by(wait)
    return "; ".join(told)


def one_line(query: str | None, clean: Callable[[str], str]) -> str | None:
    """Return a query as it may be shown: without secrets, on one line, cut where it is long. None for none."""
    if not query:
        return None
    line = " ".join(clean(query).split())
    return line if len(line) <= _QUERY else line[: _QUERY - 1] + "…"


def describe_progress(progress: ServerProgress) -> str:
    """Say how far the server is: `index 43 %`."""
    return f"{progress.what} {progress.done / progress.total:.0%}".replace("%", " %")


def _in_turn(blocker: ServerSession) -> str:
    if not blocker.waits_for:
        return ""
    pids = [f"pid {pid}" if pid else "a prepared transaction" for pid in blocker.waits_for]
    return ", which waits for " + " and ".join(pids)


def _since(session: ServerSession) -> str:
    return "" if session.state_age is None else f" for {_age(session.state_age)}"


def _age(seconds: float) -> str:
    return duration(max(0, round(seconds)) * 1000).replace(".0 s", " s")
