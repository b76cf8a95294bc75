"""Reports as JSON documents. Their shape is a promise: keys are added, never renamed or dropped.

Times are ISO 8601 in UTC, durations are milliseconds, what does not exist is null.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import islice

from migration_manager.errors import (
    AmbiguousName,
    ConfigError,
    DriftFound,
    FileError,
    FileErrors,
    HistoryError,
    Interrupted,
    MigrationFailed,
    MigrationManagerError,
    PlanRefused,
    describe_holder,
)
from migration_manager.messages import one_by_one
from migration_manager.model import (
    Action,
    Attempt,
    Difference,
    Identity,
    LogRow,
    Plan,
    Preview,
    Progress,
    RunReport,
    ServerSession,
    Standing,
    StatusReport,
    Task,
)
from migration_manager.render.words import SHOWN, UNKNOWN_RUN

Document = dict[str, object]


# What JSON lets stand in a text and a terminal would obey: DEL, C1 controls, changes of direction.
_UNSAFE = re.compile(r"[\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def as_json(document: Mapping[str, object], clean: Callable[[str], str] = str) -> str:
    """Return a document as indented JSON text, each of its texts cleaned first."""
    text = json.dumps(_cleaned(document, clean), indent=2, ensure_ascii=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _cleaned(value: object, clean: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {key: _cleaned(item, clean) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item, clean) for item in value]
    return value


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def identity(value: Identity) -> Document:
    return {
        "engine": value.engine,
        "version": value.version,
        "server": value.server,
        "database": value.database,
        "user": value.user,
        "role": value.role,
        "read_only": value.read_only,
    }


def progress(value: Progress) -> Document:
    """Return how far an unfinished script came; `state` is that of the `statement` it stopped at."""
    states = {Attempt.STARTED: "unknown", Attempt.FAILED: "failed", Attempt.DONE: "not begun"}
    return {
        "done": value.done,
        "total": value.total,
        "statement": value.at,
        "state": states[value.attempt],
        "left_behind": [
            {"kind": each.kind.value, "name": each.name, "table": each.table, "remedy": each.remedy}
            for each in value.left
        ],
    }


def standing(value: Standing, note: str | None = None) -> Document:
    row = value.applied
    return {
        "name": value.name,
        "status": value.status.value,
        "out_of_order": value.out_of_order,
        "applied_at": _moment(row.applied_at) if row else None,
        "applied_by": row.applied_by if row else None,
        "execution_ms": row.execution_ms if row else None,
        "run_id": row.run_id if row else None,
        "progress": progress(row.progress) if row and row.progress else None,
        "note": note,
    }


def status(report: StatusReport) -> Document:
    counts: dict[str, int] = {}
    for item in report.survey.standings:
        counts[item.status.value] = counts.get(item.status.value, 0) + 1
    return {
        "environment": report.environment,
        "stamped": report.recorded.environment,
        "database": identity(report.identity),
        "counts": counts,
        "migrations": [standing(s, "; ".join(report.notes.get(s.name, ())) or None) for s in report.survey.standings],
        "running": None if report.running is None else describe_holder(report.running),
        "warnings": list(report.warnings),
    }


def run(report: RunReport, environment: str) -> Document:
    return {
        "environment": environment,
        "run_id": report.run_id,
        "done": [
            {
                "name": r.name,
                "action": r.action.value,
                "execution_ms": r.execution_ms,
                "rows_selected": r.rows,
                "tries": r.tries,
            }
            for r in report.finished
        ],
        "not_reached": list(report.not_reached),
        "left": list(report.left),
        "warnings": list(report.warnings),
        **_about(report.plan),
    }


def preview(value: Preview, environment: str) -> Document:
    return {
        "environment": environment,
        "dry_run": True,
        "would_do": [_task(task) for task in value.tasks],
        "staying_applied_after": list(value.plan.later),
        "warnings": list(value.warnings),
        **_about(value.plan),
    }


def _about(plan: Plan | None) -> Document:
    """Return what a plan says of the migrations that stay, and the run that it undoes."""
    of_run = plan.of_run if plan else None
    return {
        "touching_the_same": [{"name": e.name, "tables": list(e.tables)} for e in plan.entangled] if plan else [],
        "touching_unknown": list(plan.unclear) if plan else [],
        "undoes_run": of_run and {"run_id": of_run.id, "at": _moment(of_run.at), "by": of_run.by},
        "plan": plan.saved_in if plan else None,
    }


def _task(task: Task) -> Document:
    script, resumption = task.change.script, task.change.resumption
    return {
        "name": task.name,
        "action": task.change.action.value,
        "path": script.source.path if script else None,
        "checksum": task.change.checksum,
        "transaction": script is not None and not task.outside_transaction,
        "statement_count": script.statement_count - (resumption.skip if resumption else 0) if script else 0,
        "statements": _statements(task),
        "loses": [{"line": loss.line, "what": loss.what} for loss in script.losses] if script else [],
        "loss_count": script.loss_count if script else 0,
    }


def _statements(task: Task) -> list[str] | None:
    """Return the texts of the statements that would run; None where they are too long for a document."""
    script, resumption = task.change.script, task.change.resumption
    if script is None:
        return []
    if script.source.size > SHOWN:
        return None
    return [message.text for message in islice(one_by_one(script), resumption.skip if resumption else 0, None)]


def log_row(row: LogRow) -> Document:
    return {
        "id": row.id,
        "at": _moment(row.at),
        "name": row.name,
        "action": row.action.value,
        "outcome": row.outcome.value,
        "environment": row.environment,
        "run_id": row.run_id,
        "execution_ms": row.execution_ms,
        "database_user": row.database_user,
        "os_user": row.os_user,
        "host": row.host,
        "tool_version": row.tool_version,
        "git_commit": row.git_commit,
        "ci_run": row.ci_run,
        "sqlstate": row.sqlstate,
        "error": row.error,
        "reason": row.reason,
        "note": UNKNOWN_RUN if row.action is Action.RUN else None,
    }


def server_session(value: ServerSession) -> Document:
    return {
        "pid": value.pid,
        "prepared_transaction": value.gid,
        "user": value.user,
        "application": value.application,
        "host": value.host,
        "database": value.database,
        "kind": value.kind,
        "state": value.state,
        "state_ms": milliseconds(value.state_age),
        "transaction_ms": milliseconds(value.transaction_age),
        "query": value.query,
        "waits_for": list(value.waits_for),
        "holds_locks_on": list(value.holds),
    }


def milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def difference(value: Difference) -> Document:
    return {
        "name": value.name,
        "path": value.path,
        "which": value.which,
        "cosmetic": value.cosmetic,
        "diff": None if value.lines is None else "\n".join(value.lines),
    }


def error(value: MigrationManagerError) -> Document:
    """Return what failed; `kind` is the error's class, `exit_code` what the process ends with."""
    facts: Document = {
        "kind": type(value).__name__,
        "message": value.message,
        "hint": value.hint,
        "state": value.state,
        "exit_code": int(value.exit_code),
    }
    if isinstance(value, FileErrors):
        facts["problems"] = [error(problem) for problem in value.problems]
    if isinstance(value, ConfigError):
        facts["problems"] = list(value.problems)
    if isinstance(value, HistoryError):
        facts["names"] = list(value.names)
    if isinstance(value, AmbiguousName):
        facts["candidates"] = list(value.candidates)
    if isinstance(value, FileError | MigrationFailed):
        facts |= {"path": value.path, "line": value.line, "column": value.column, "excerpt": value.excerpt}
    if isinstance(value, MigrationFailed):
        cause = value.cause
        facts |= {
            "name": value.failed,
            "sqlstate": cause.code,
            "server_message": cause.message,
            "detail": cause.detail,
            "server_hint": cause.server_hint,
            "context": cause.context,
            "tries": cause.tries,
            "blocked_by": [server_session(blocker) for blocker in cause.wait.blockers] if cause.wait else [],
        }
    if isinstance(value, DriftFound):
        facts["differences"] = list(value.differences)
    if isinstance(value, PlanRefused):
        facts |= {"path": value.path, "moved": list(value.moved)}
    if isinstance(value, Interrupted):
        facts["signal"] = value.stop.value.name
    if value.report is not None:
        facts |= {
            "done": [r.name for r in value.report.finished],
            "not_reached": list(value.report.not_reached),
            "run_id": value.report.run_id,
        }
    return facts
