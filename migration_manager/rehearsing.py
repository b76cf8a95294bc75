"""Doing: run pending files statement by statement where it harms nobody, see what each does, then prove its rollback.

That is a scratch database with the schema of the environment, whose tables are empty; or the environment's own, in a
transaction that is always rolled back.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from migration_manager import aftermath, proof
from migration_manager.errors import LocksNotObtained, MigrationFailed, SqlFailed
from migration_manager.model import Migration, Preview, RunReport, Task
from migration_manager.proof import Failure, Stage
from migration_manager.proving import Track
from migration_manager.rehearsal import Observed, Rehearsal, Size, Tried, judge
from migration_manager.runner import Workplace
from migration_manager.scratch import Bench, failure_of, with_roles

_KEPT: Final = 1000  # statements of a file that are kept although nobody feels them
LONGEST_WAIT: Final = 1000  # milliseconds for a lock where others are at work


class Observer(Protocol):
    """Who is told what a rehearsal does, while it does it."""

    def rehearsing(self, name: str, number: int, total: int) -> None: ...

    def rehearsed(self, rehearsal: Rehearsal) -> None: ...


def rehearse(
    bench: Bench,
    observer: Observer,
    migrations: Sequence[Migration],
    chosen: Collection[str],
    sizes: Mapping[str, Size],
) -> tuple[Rehearsal, ...]:
    """Rehearse those of the pending migrations that are chosen by name; the others, in order, only go up.

    `sizes` are those of the environment's tables, whose schema is the bench's. Stops after a migration that fails.
    Raises as `proving.prove` does.
    """
    done: list[Rehearsal] = []
    last = max((number for number, one in enumerate(migrations) if one.name in chosen), default=-1)
    with Track(bench, migrations) as track:
        known = track.at(0).engine.rehearser().relations()
        for number, migration in enumerate(migrations[: last + 1]):
            if migration.name in chosen:
                observer.rehearsing(migration.name, len(done) + 1, len(chosen))
                rehearsal = _one(bench, track, number, known, sizes)
            elif (failure := track.forward(number)) is not None:
                rehearsal = judge(Tried(migration.name, migration.source.path, failure=failure), sizes)
            else:
                continue
            observer.rehearsed(rehearsal)
            done.append(rehearsal)
            if _fails(rehearsal):
                break
    return tuple(done)


class _Seen:
    """What is kept of the statements of a file, which may have a million: those that are felt, and the first others."""

    def __init__(self) -> None:
        self.observed: list[Observed] = []
        self.more = 0

    def add(self, statement: Observed) -> None:
        """Hear of the next statement."""
        if statement.is_felt or len(self.observed) < _KEPT:
            self.observed.append(statement)
        else:
            self.more += 1


def _fails(rehearsal: Rehearsal) -> bool:
    return any(finding.rule == "fails" for finding in rehearsal.findings)


def _one(bench: Bench, track: Track, number: int, known: Mapping[int, str], sizes: Mapping[str, Size]) -> Rehearsal:
    began = time.monotonic()
    tried = _watched(bench, track, number, known)
    if tried.failure is not None:
        return judge(replace(tried, seconds=time.monotonic() - began), sizes)
    trial = track.try_out(number)
    tried = replace(tried, seconds=time.monotonic() - began)
    if trial.stopped is Stage.UP:  # by what it had deferred to its end
        return judge(replace(tried, failure=trial.failure), sizes)
    return replace(judge(tried, sizes), proof=proof.judge(trial))


def _watched(bench: Bench, track: Track, number: int, known: Mapping[int, str]) -> Tried:
    """Watch the migration of that number, and leave the database as it was."""
    task = track.task(number)
    script = task.change.script
    seen = _Seen()
    invalid: tuple[str, ...] = ()
    failure: Failure | None = None

    def watch() -> None:
        nonlocal invalid, seen
        seen = _Seen()
        if script is None:
            return
        if task.outside_transaction:
            with track.aside(number) as copy:
                invalid = copy.engine.rehearser().outside(script, known, seen.add)
            return
        with track.at(number).engine.rehearser().undone(known) as watching:
            invalid = watching.run(script, seen.add)

    try:
        with_roles(bench, task.name, watch)
    except SqlFailed as error:
        failure = failure_of(bench, task, error)
    if script is None:
        return Tried(task.name, task.name)
    return Tried(
        task.name, script.source.path, tuple(seen.observed), seen.more, invalid, script.directives.accepted, failure
    )


# ----------------------------------------------------------------------------------------- on target


def rehearse_on_target(
    at: Workplace, preview: Preview, observer: Observer, sizes: Mapping[str, Size]
) -> tuple[Rehearsal, ...]:
    """Rehearse the tasks of a preview in the environment's own database: in one transaction, which is rolled back.

    Stops before one that runs outside of a transaction, and after one that fails. Raises `LocksNotObtained` where
    others kept a table for longer than `LONGEST_WAIT`, and as `Engine.exclusive` does.
    """
    done: list[Rehearsal] = []
    with (
        at.engine.exclusive(at.lock_wait, at.observer.waiting_for_lock),
        at.engine.rehearser().undone(None, lock_timeout=LONGEST_WAIT) as watching,
    ):
        for number, task in enumerate(preview.tasks, start=1):
            script = task.change.script
            if script is None or task.outside_transaction:
                break
            observer.rehearsing(task.name, number, len(preview.tasks))
            seen = _Seen()
            failure: Failure | None = None
            invalid: tuple[str, ...] = ()
            began = time.monotonic()
            try:
                invalid = watching.run(script, seen.add)
            except SqlFailed as error:
                failure = _failure(at, task, error)
            rehearsal = judge(
                Tried(
                    task.name,
                    script.source.path,
                    tuple(seen.observed),
                    seen.more,
                    invalid,
                    script.directives.accepted,
                    failure,
                    seconds=time.monotonic() - began,
                ),
                sizes,
            )
            observer.rehearsed(rehearsal)
            done.append(rehearsal)
            if failure is not None:
                break
    return tuple(done)


def _failure(at: Workplace, task: Task, error: SqlFailed) -> Failure:
    """Return how a file failed; raises `LocksNotObtained` where others were in its way."""
    failed = aftermath.failure(task, [task], error, RunReport(at.run.id))
    if isinstance(failed, LocksNotObtained):
        raise failed from None
    place = (
        (failed.path, failed.line, failed.column) if isinstance(failed, MigrationFailed) else (task.name, None, None)
    )
    return Failure(error.message, *place, error.code)
