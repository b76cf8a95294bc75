"""A plan that was saved to be reviewed, and to be carried out later exactly as it is, or not at all.

It is bound to the checksums of its files and to the state of the database it was made for. `rest_of` is the one
decision here: it names everything that is another one now. Pure; the JSON's shape is that of the classes below.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from migration_manager.errors import FileError, PlanRefused
from migration_manager.model import Applied, Change, Identity, OutOfOrder, Preview, Recorded, Run, State, Survey
from migration_manager.names import order_key
from migration_manager.plan import Forward

KIND: Final = "migration_manager plan"
FORMAT: Final = 1
_SHOWN_CHECKSUM: Final = 15  # characters, "v1:" included


@dataclass(frozen=True, slots=True)
class SavedStep:
    """One migration of a plan, in its place. Times are milliseconds; None is the environment's value."""

    name: str
    checksum: str
    rollback_checksum: str | None
    transaction: bool
    statement_count: int
    lock_timeout: int | None = None
    statement_timeout: int | None = None


@dataclass(frozen=True, slots=True)
class SavedRow:
    """One row of the history that a plan was made for."""

    name: str
    checksum: str
    rollback_checksum: str | None
    state: State
    log_id: int
    run_id: str


@dataclass(frozen=True, slots=True)
class SavedDatabase:
    """Which database a plan was made for, as the server said; `stamped` is the environment written in it."""

    engine: str
    server: str
    database: str
    stamped: str | None


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan as its file has it. Carries no secret and no SQL."""

    kind: str
    format: int
    tool_version: str | None
    made_at: str  # ISO 8601, UTC
    made_by: str
    environment: str
    database: SavedDatabase
    atomic: bool
    out_of_order: OutOfOrder
    allow_missing: bool
    steps: tuple[SavedStep, ...]
    left: tuple[str, ...]  # pending, and not asked for
    history: tuple[SavedRow, ...]

    @property
    def asked(self) -> Forward:
        """What was asked of `migrate`, as the names that came of it."""
        return Forward(self.steps[-1].name if self.steps else None, None, self.out_of_order, self.allow_missing)


@dataclass(frozen=True, slots=True)
class _Head:
    kind: str = ""
    format: int = 0


# -------------------------------------------------------------------------------------------- making, reading


def saved_plan(
    preview: Preview, asked: Forward, *, recorded: Recorded, identity: Identity, run: Run, made_at: str, atomic: bool
) -> SavedPlan:
    """Return what is saved of a preview of `migrate`."""
    who = f"{run.os_user or '?'}@{run.host or '?'}" + (f" as {identity.user}" if identity.user else "")
    return SavedPlan(
        kind=KIND,
        format=FORMAT,
        tool_version=run.tool_version,
        made_at=made_at,
        made_by=who,
        environment=run.environment,
        database=SavedDatabase(identity.engine, identity.server, identity.database, recorded.environment),
        atomic=atomic,
        out_of_order=asked.out_of_order,
        allow_missing=asked.allow_missing,
        steps=tuple(_step(task.change, in_transaction=not task.outside_transaction) for task in preview.tasks),
        left=preview.plan.left,
        history=tuple(_row(row) for row in recorded.applied),
    )


def _step(change: Change, *, in_transaction: bool) -> SavedStep:
    script = change.script
    directives = script.directives if script else None
    return SavedStep(
        change.name,
        change.checksum or "",
        change.rollback_checksum,
        in_transaction,
        script.statement_count if script else 0,
        directives.lock_timeout if directives else None,
        directives.statement_timeout if directives else None,
    )


def _row(row: Applied) -> SavedRow:
    return SavedRow(row.name, row.checksum, row.rollback_checksum, row.state, row.log_id, row.run_id)


def encoded(plan: SavedPlan) -> str:
    """Return a plan as JSON text, which ends with a line end."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=2).decode() + "\n"


def decoded(text: str, shown: str) -> SavedPlan:
    """Return the plan of a file's text.

    Raises `FileError` for what is no JSON, no plan of this tool, a plan of a newer format, or one that was damaged.
    """
    try:
        head = msgspec.json.decode(text, type=_Head)
    except msgspec.MsgspecError:
        head = _Head()
    if head.kind != KIND:
        raise FileError("this is no plan of this tool", path=shown, hint="`plan -o FILE` writes one")
    if head.format > FORMAT:
        raise FileError(
            f"this plan has format {head.format}, written by a newer version of this tool; this one knows {FORMAT}",
            path=shown,
            hint="use the version that made it, or make the plan anew",
        )
    try:
        return msgspec.json.decode(text, type=SavedPlan)
    except msgspec.MsgspecError as error:
        raise FileError(f"this plan was damaged: {error}", path=shown, hint="make it anew") from None


# ------------------------------------------------------------------------------------------------- comparing


@dataclass(frozen=True, slots=True)
class Now:
    """What a saved plan is compared with.

    `checksums` has those of each of its steps whose file is here: the migration's and, where there is one, the rollback
    script's.
    """

    environment: str
    identity: Identity
    recorded: Recorded
    survey: Survey
    checksums: Mapping[str, tuple[str, str | None]]
    run_id: str  # of the run that carries it out: what it did itself has not moved


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left to do of a plan. `done_by` are the runs that carried it out, where all of it is applied already."""

    names: tuple[str, ...]
    done_by: tuple[str, ...] = ()


def rest_of(plan: SavedPlan, now: Now, shown: str) -> Rest:
    """Return what is left of a plan: all of it, what this run has not done yet, or nothing where another run did it.

    Raises `PlanRefused`, which names everything that moved. A plan that others began and did not finish has moved.
    """
    rows = {row.name: row for row in now.recorded.applied}
    done = [row for step in plan.steps if (row := rows.get(step.name)) is not None and _is_done(step, row)]
    by_others = tuple(dict.fromkeys(row.run_id for row in done if row.run_id != now.run_id))
    is_all_done = len(done) == len(plan.steps)
    mine = {row.name for row in done if is_all_done or row.run_id == now.run_id}
    if moved := (*_about_database(plan, now), *_about_files(plan, now), *_about_history(plan, now, mine)):
        raise PlanRefused(shown, moved)
    return Rest(tuple(step.name for step in plan.steps if step.name not in mine), by_others if is_all_done else ())


def _is_done(step: SavedStep, row: Applied) -> bool:
    recorded = (row.checksum, row.rollback_checksum)
    is_ours = row.state is State.APPLIED and not row.baselined  # what was only recorded did not come of this plan
    return is_ours and recorded == (step.checksum, step.rollback_checksum)


def _about_database(plan: SavedPlan, now: Now) -> Iterator[str]:
    made, here = plan.database, now.identity
    if plan.environment != now.environment:
        yield f"it was made for the environment {plan.environment}, and this is {now.environment}"
    for what, then, is_now in (
        ("engine", made.engine, here.engine),
        ("server", made.server, here.server),
        ("database", made.database, here.database),
    ):
        if then != is_now:
            yield f"it was made for the {what} {then}, and this is {is_now}"
    stamped = now.recorded.environment
    # The first run stamps a database that was not, with the environment that the plan is for.
    if stamped not in (made.stamped, plan.environment):
        yield f"the database says that it is {stamped or 'of no environment'}, and said {made.stamped or 'nothing'}"


def _about_files(plan: SavedPlan, now: Now) -> Iterator[str]:
    for step in plan.steps:
        if step.name not in now.checksums:
            yield f"the file of {step.name} is gone"
            continue
        checksum, rollback = now.checksums[step.name]
        if checksum != step.checksum:
            yield f"{step.name} changed: {_short(step.checksum)} then, {_short(checksum)} now"
        if rollback != step.rollback_checksum:
            yield f"the rollback script of {step.name} {_became(step.rollback_checksum, rollback)}"
    planned = {step.name for step in plan.steps} | set(plan.left)
    last = max((order_key(step.name) for step in plan.steps), default=None)
    for standing in now.survey.pending:
        if last is not None and standing.name not in planned and order_key(standing.name) < last:
            yield f"{standing.name} is new, and would come before {plan.steps[-1].name}"


def _about_history(plan: SavedPlan, now: Now, done: set[str]) -> Iterator[str]:
    """Yield how the history moved, but for what the plan itself has done."""
    then = {row.name: row for row in plan.history}
    rows = {row.name: row for row in now.recorded.applied}
    for name in sorted(then.keys() | rows.keys(), key=order_key):
        before, row = then.get(name), rows.get(name)
        if before is None and row is not None and name not in done:
            how = "applied" if row.state is State.APPLIED else "begun, and is unfinished,"
            yield f"{name} was {how} since, by run {row.run_id}"
        elif before is not None and row is None:
            yield f"{name} was applied, and is not any more"
        elif before is not None and row is not None and _row(row) != before:
            yield f"{name} {_changed_row(before, row)}"


def _changed_row(before: SavedRow, row: Applied) -> str:
    if row.state is not before.state:
        return f"was {before.state.value}, and is {row.state.value}"
    if (row.checksum, row.rollback_checksum) != (before.checksum, before.rollback_checksum):
        return "has another checksum in the history: its file was accepted anew, or it was applied again"
    return f"was applied again, by run {row.run_id}"


def _became(then: str | None, now: str | None) -> str:
    if then is None:
        return "is new"
    return "is gone" if now is None else f"changed: {_short(then)} then, {_short(now)} now"


def _short(checksum: str) -> str:
    return f"{checksum[:_SHOWN_CHECKSUM]}…"
