"""From the rows of the books to the values of the core."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from migration_manager.errors import HistoryError
from migration_manager.model import Action, Applied, LogRow, Outcome, PastRun, State, Touched

Row = tuple[str | None, ...]


def moment(value: str) -> datetime:
    """Return a moment as the queries write it, in UTC."""
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def applied(row: Row) -> Applied:
    """Return a row of the history; raises `HistoryError` for one that this version cannot read."""
    name, checksum, rollback, state, at, by, took, run_id, log_id, action, touched, log_oid = row
    try:
        return Applied(
            name or "", checksum or "", rollback, State(state), moment(at or ""), by or "", int(took or 0),
            run_id or "", int(log_id or 0), Action(action) if action else None, _touched(touched, log_oid),
        )  # fmt: skip
    except ValueError as error:
        raise HistoryError(f"the history row of {name} cannot be read: {error}", names=(name or "",)) from None


def log_row(row: Row) -> LogRow:
    """Return a row of the log; raises `HistoryError` for one that this version cannot read."""
    number, at, name, action, outcome, environment, run_id, took, *who = row
    database_user, os_user, host, version, commit, ci_run, sqlstate, error, reason = who
    try:
        return LogRow(
            int(number or 0), moment(at or ""), name, Action(action), Outcome(outcome), environment, run_id or "",
            None if took is None else int(took), database_user or "", os_user, host, version, commit, ci_run, sqlstate,
            error, reason,
        )  # fmt: skip
    except ValueError as trouble:
        raise HistoryError(f"row {number} of the log cannot be read: {trouble}") from None


def past_run(row: Row) -> PastRun:
    """Return a run as the log tells of it."""
    run_id, at, by, count = row
    return PastRun(run_id or "", moment(at or ""), by or "", int(count or 0))


def _touched(value: str | None, log_oid: str | None) -> tuple[Touched, ...] | None:
    """Return what a step touched. In a restored copy, whose tables have other numbers, only names say anything."""
    if value is None:
        return None
    told = json.loads(value)
    if str(told["log"]) == log_oid:
        return tuple(Touched(oid, name) for oid, name in told["relations"])
    if any(name is None for _, name in told["relations"]):
        return None
    return tuple(Touched(None, name) for _, name in told["relations"])
