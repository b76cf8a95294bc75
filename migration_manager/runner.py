"""Doing: read what is recorded, decide, ask, lock, decide again, change, report.

Every command that changes a database goes through `_change`; the decisions are in `plan`, the database behind
`engines.base`. Nothing here prints: what happens is told to an `Observer`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from migration_manager import aftermath, interrupts
from migration_manager import plan as planner
from migration_manager.aftermath import Fate
from migration_manager.blocking import last_word
from migration_manager.engines.base import Engine
from migration_manager.errors import (
    AlreadyRecorded,
    ConfigError,
    Exit,
    GuardRefused,
    Interrupted,
    LockNotAcquired,
    MigrationManagerError,
    OutcomeUnknown,
    PlanRefused,
    SessionEnded,
    SqlFailed,
    Unfinished,
    UsageError,
)
from migration_manager.interrupts import Stop
from migration_manager.model import (
    Action,
    Change,
    Difference,
    Done,
    Identity,
    LockHolder,
    Migration,
    Plan,
    Preview,
    Recorded,
    Run,
    RunReport,
    Standing,
    Status,
    StatusReport,
    Survey,
    Task,
    TaskResult,
    names,
)
from migration_manager.prepare import KeptAhead, Preparer, no_texts
from migration_manager.resuming import Doubt
from migration_manager.retrying import Retries
from migration_manager.savedplan import Now, SavedPlan, rest_of, saved_plan

# After so many there is something wrong that another try does not mend.
_SESSIONS: Final = 3  # that ended between two transactions of one run
_OVERTAKEN: Final = 3  # times that another run is said to have done the first task of one and the same plan

_NOTHING_BEGUN: Final = "no migration was begun"
_NOTHING_CHANGED: Final = "nothing was changed"

Decide = Callable[[Recorded], Plan]
Prepare = Callable[[Plan], tuple[Task, ...]]


class Observer(Protocol):
    """Who is told what a run does, while it does it."""

    def run_started(self, environment: str, identity: Identity, tasks: Sequence[Task]) -> None: ...

    def task_started(self, task: Task, number: int, total: int) -> None: ...

    def task_finished(self, result: TaskResult, number: int, total: int) -> None: ...

    def trying_again(self, task: Task, tries: int, most: int, pause: float, why: SqlFailed) -> None:
        """Others stood in the way of that many tries; after so many seconds the next one begins."""

    def waiting_for_lock(self, holder: LockHolder | None, seconds: float) -> None: ...

    def warned(self, text: str) -> None: ...


class Confirm(Protocol):
    """Asks whether a preview may be carried out; raises `GuardRefused` when not.

    Returns whether a person was shown the preview.
    """

    def __call__(self, preview: Preview) -> bool: ...


@dataclass(frozen=True, slots=True)
class Workplace:
    """What every operation works with: one target of one environment, and the files."""

    engine: Engine
    migrations: tuple[Migration, ...]
    preparer: Preparer
    environment: str
    run: Run
    observer: Observer
    confirm: Confirm
    lock_wait: float  # seconds
    retries: Retries
    accept_identity: bool = False
    require_rollback: bool = False
    file_warnings: tuple[str, ...] = ()
    tolerant: bool = False  # files that do not matter here may be broken: a rollback in an incident goes on
    clean: Callable[[str], str] = str  # takes secrets out of what the log keeps

    def survey(self, recorded: Recorded) -> Survey:
        """Put this workplace's files and what is recorded together; refuses a database of another environment."""
        if not self.accept_identity:
            planner.check_identity(recorded, self.environment)
        elsewhere = set() if self.tolerant else self._elsewhere({row.name for row in recorded.applied})
        return planner.survey(self.migrations, recorded.applied, elsewhere=elsewhere)

    def said(self, reason: str | None) -> str | None:
        """Return a person's reason as the log may keep it."""
        return None if reason is None else self.clean(reason)

    def _elsewhere(self, applied: set[str]) -> set[str]:
        return {
            migration.name
            for migration in self.migrations
            if migration.name not in applied and not self.preparer.is_for(migration, self.environment)
        }


# ------------------------------------------------------------------------------------------ commands


def status(at: Workplace) -> StatusReport:
    """Say where every migration stands. Does not write."""
    recorded = at.engine.recorded()
    state = at.survey(recorded)
    notes: dict[str, tuple[str, ...]] = {
        s.name: (note,) for s in state.pending if s.migration and (note := at.preparer.note(s.migration))
    }
    notes |= {s.name: _stopped(at, s) for s in state.having(Status.UNFINISHED) if planner.progress_of(s)}
    # What looks like the wreck of a run may be one at work.
    running = at.engine.lock_holder() if state.having(Status.PENDING, Status.UNFINISHED) else None
    return StatusReport(at.environment, at.engine.identify(), recorded, state, notes, at.file_warnings, running)


def migrate(at: Workplace, asked: planner.Forward, *, atomic: bool = False) -> RunReport:
    """Apply pending migrations, each in its own transaction, or all in one with `atomic`."""
    return _change(at, _forward(at, asked), _prepare_forward(at, atomic=atomic), atomic=atomic)


def preview_migrate(at: Workplace, asked: planner.Forward, *, atomic: bool = False) -> Preview:
    """Say what `migrate` would do. Does not write."""
    return _preview(at, _forward(at, asked), _prepare_forward(at, atomic=atomic))


def save_migrate(
    at: Workplace, asked: planner.Forward, made_at: str, *, atomic: bool = False
) -> tuple[Preview, SavedPlan]:
    """Say what `migrate` would do, and what is to be saved of that. Does not write."""
    recorded = at.engine.recorded()
    plan = _forward(at, asked)(recorded)
    preview = Preview(plan, _prepare_forward(at, atomic=atomic)(plan))
    return preview, saved_plan(
        preview,
        asked,
        recorded=recorded,
        identity=at.engine.identify(),
        run=at.run,
        made_at=made_at,
        atomic=atomic,
    )


def migrate_as_saved(at: Workplace, saved: SavedPlan, shown: str) -> RunReport:
    """Carry out a saved plan exactly as it is; `shown` is its file.

    Raises `PlanRefused` when anything that it was made for is another one now, also under the lock.
    """
    return _change(at, _saved(at, saved, shown), _prepare_forward(at, atomic=saved.atomic), atomic=saved.atomic)


def preview_saved(at: Workplace, saved: SavedPlan, shown: str) -> Preview:
    """Say whether a saved plan would be carried out, and show it. Does not write. Raises `PlanRefused`."""
    return _preview(at, _saved(at, saved, shown), _prepare_forward(at, atomic=saved.atomic))


def rollback(at: Workplace, asked: planner.Back) -> RunReport:
    """Roll back applied migrations, newest first, each in its own transaction."""
    return _change(at, _back(at, asked), _prepare_back(at))


def preview_rollback(at: Workplace, asked: planner.Back) -> Preview:
    """Say what `rollback` would do. Does not write."""
    return _preview(at, _back(at, asked), _prepare_back(at))


def baseline(
    at: Workplace, *, to: str | None, name: str | None, reason: str | None, verified: Sequence[str] | None = None
) -> RunReport:
    """Record migrations as applied without running them.

    Where the database was compared with what the `verified` ones make, it records those or, with `GuardRefused`, none.
    """
    return _change(at, *_baseline(at, to, name, reason, verified), atomic=True)


def preview_baseline(at: Workplace, *, to: str | None, name: str | None) -> Preview:
    """Say what `baseline` would record. Does not write."""
    return _preview(at, *_baseline(at, to, name, None))


def forget(at: Workplace, name: str, *, reason: str | None) -> RunReport:
    """Delete one history row without running anything: that migration is pending again."""
    return _change(at, *_forget(at, name, reason), atomic=True)


def preview_forget(at: Workplace, name: str) -> Preview:
    """Say what `forget` would delete. Does not write."""
    return _preview(at, *_forget(at, name, None))


def repair(at: Workplace, name: str | None, *, reason: str | None) -> RunReport:
    """Accept the files as they are now: replace the recorded checksums of that one, or of every changed one."""
    return _change(at, *_repair(at, name, reason), atomic=True)


def preview_repair(at: Workplace, name: str | None) -> Preview:
    """Say whose checksum `repair` would replace. Does not write."""
    return _preview(at, *_repair(at, name, None))


def resume(at: Workplace, name: str | None, doubt: Doubt) -> RunReport:
    """Go on with an unfinished migration at the statement that is not done; see `resuming.Doubt` for one in doubt."""
    return _change(at, *_resume(at, name, doubt))


def preview_resume(at: Workplace, name: str | None, doubt: Doubt) -> Preview:
    """Say where `resume` would go on. Does not write."""
    return _preview(at, *_resume(at, name, doubt))


def mark(at: Workplace, name: str | None, *, applied: bool, reason: str | None) -> RunReport:
    """Record how a person ended an unfinished migration: as applied, or as rolled back."""
    return _change(at, *_mark(at, name, applied=applied, reason=reason), atomic=True)


def preview_mark(at: Workplace, name: str | None, *, applied: bool) -> Preview:
    """Say what `mark` would record. Does not write."""
    return _preview(at, *_mark(at, name, applied=applied, reason=None))


def verify(at: Workplace) -> tuple[Difference, ...]:
    """Compare every applied migration's files with the texts that were applied; empty when all agree.

    Does not write. A rollback script that changed is reported as well. Missing files are `status`'s matter.
    """
    state = at.survey(at.engine.recorded())
    return at.preparer.differences(state, at.engine.kept_texts)


def _stopped(at: Workplace, standing: Standing) -> tuple[str, ...]:
    """Return how far an unfinished migration came, where it stopped, and what it left behind."""
    words, *left = planner.progress_of(standing)
    place = at.preparer.stopped_at(standing, at.engine.kept_texts)
    return (words, *([] if place is None else [f"at {place}"]), *left)


# ------------------------------------------------------------------------------------------ deciding


def _forward(at: Workplace, asked: planner.Forward) -> Decide:
    def decide(recorded: Recorded) -> Plan:
        state = at.survey(recorded)
        to = None if asked.to is None else planner.full_name(state, asked.to)
        try:
            return planner.plan_migrate(state, replace(asked, to=to))
        except Unfinished as error:
            stopped = state.having(Status.UNFINISHED)
            places = [at.preparer.stopped_at(standing, at.engine.kept_texts) for standing in stopped]
            error.message += "".join(f"\n  {place}" for place in places if place is not None)
            raise

    return decide


def _saved(at: Workplace, saved: SavedPlan, shown: str) -> Decide:
    def decide(recorded: Recorded) -> Plan:
        state = at.survey(recorded)
        if state.having(Status.UNFINISHED):  # it may be another run's that is at it: who holds the lock sees the truth
            planner.plan_migrate(state, saved.asked)
        checksums = {
            standing.name: at.preparer.checksums(standing.migration)
            for standing in state.standings
            if standing.migration is not None and standing.name in {step.name for step in saved.steps}
        }
        now = Now(at.environment, at.engine.identify(), recorded, state, checksums, at.run.id)
        rest = rest_of(saved, now, shown)
        if not rest.names:
            return Plan((), left=names(state.pending), saved_in=shown, done_by=rest.done_by)
        plan = planner.plan_migrate(state, saved.asked)
        if names(plan.steps) != rest.names:  # whatever the reason: nothing else than what was saved is ever done
            raise PlanRefused(shown, (f"what would run now is {', '.join(names(plan.steps)) or 'nothing'}",))
        new = tuple(name for name in plan.left if name not in saved.left)
        told = (f"not in the plan, and staying pending: {', '.join(new)}",) if new else ()
        return replace(plan, warnings=(*plan.warnings, *told), saved_in=shown)

    return decide


def _back(at: Workplace, asked: planner.Back) -> Decide:
    def decide(recorded: Recorded) -> Plan:
        state = at.survey(recorded)
        name, to = (None if short is None else planner.full_name(state, short) for short in (asked.name, asked.to))
        return planner.plan_rollback(state, replace(asked, name=name, to=to), recorded.last_run)

    return decide


def _prepare_forward(at: Workplace, *, atomic: bool) -> Prepare:
    def prepare(plan: Plan) -> tuple[Task, ...]:
        tasks = tuple(at.preparer.forward(step, require_rollback=at.require_rollback) for step in plan.steps)
        outside = [task.name for task in tasks if task.outside_transaction]
        if atomic and outside:
            raise UsageError(
                f"--atomic cannot take {outside[0]}, which runs outside a transaction",
                hint="migrate up to it first with --to, then --atomic for the rest",
            )
        return tasks

    return prepare


def _prepare_back(at: Workplace) -> Prepare:
    def prepare(plan: Plan) -> tuple[Task, ...]:
        wanted = [step.applied.rollback_checksum for step in plan.steps if step.applied is not None]
        kept_texts = KeptAhead(at.engine.kept_texts, [checksum for checksum in wanted if checksum is not None])
        return tuple(at.preparer.back(step, kept_texts) for step in plan.steps)

    return prepare


def _baseline(
    at: Workplace, to: str | None, name: str | None, reason: str | None, verified: Sequence[str] | None = None
) -> tuple[Decide, Prepare]:
    def decide(recorded: Recorded) -> Plan:
        state = at.survey(recorded)
        full_to, full = (None if short is None else planner.full_name(state, short) for short in (to, name))
        plan = planner.as_plan(planner.plan_baseline(state, to=full_to, name=full))
        if verified is not None and names(plan.steps) != tuple(verified):
            raise GuardRefused(
                "the history changed while the database was compared with the files",
                hint="compare again: `baseline` with --verify",
                state="nothing was recorded",
            )
        return plan

    def prepare(plan: Plan) -> tuple[Task, ...]:
        return tuple(Task(step.name, at.preparer.books(step, Action.BASELINE, at.said(reason))) for step in plan.steps)

    return decide, prepare


def _forget(at: Workplace, name: str, reason: str | None) -> tuple[Decide, Prepare]:
    def decide(recorded: Recorded) -> Plan:
        state = at.survey(recorded)
        return planner.as_plan((planner.plan_forget(state, planner.full_name(state, name)),))

    def prepare(plan: Plan) -> tuple[Task, ...]:
        return tuple(Task(step.name, Change(Action.FORGET, step.name, reason=at.said(reason))) for step in plan.steps)

    return decide, prepare


def _unfinished(at: Workplace, name: str | None) -> Decide:
    def decide(recorded: Recorded) -> Plan:
        state = at.survey(recorded)
        return planner.plan_resume(state, None if name is None else planner.full_name(state, name))

    return decide


def _resume(at: Workplace, name: str | None, doubt: Doubt) -> tuple[Decide, Prepare]:
    def prepare(plan: Plan) -> tuple[Task, ...]:
        return tuple(
            at.preparer.resumed(step, at.engine.kept_texts, at.engine.done_statements(step.name), doubt)
            for step in plan.steps
        )

    return _unfinished(at, name), prepare


def _mark(at: Workplace, name: str | None, *, applied: bool, reason: str | None) -> tuple[Decide, Prepare]:
    def prepare(plan: Plan) -> tuple[Task, ...]:
        action = Action.RESUME if applied else Action.FORGET
        how = "marked as applied" if applied else "marked as rolled back"
        said = how if reason is None else f"{how}: {at.said(reason)}"
        return tuple(
            Task(step.name, Change(action, step.name, reason=said), planner.left_as_it_is(step)) for step in plan.steps
        )

    return _unfinished(at, name), prepare


def _repair(at: Workplace, name: str | None, reason: str | None) -> tuple[Decide, Prepare]:
    def decide(recorded: Recorded) -> Plan:
        state = at.survey(recorded)
        full = None if name is None else planner.full_name(state, name)
        changed = {difference.name for difference in at.preparer.differences(state, no_texts)}
        return planner.as_plan(planner.plan_repair(state, full, changed=changed))

    def prepare(plan: Plan) -> tuple[Task, ...]:
        return tuple(Task(step.name, at.preparer.books(step, Action.REPAIR, at.said(reason))) for step in plan.steps)

    return decide, prepare


# -------------------------------------------------------------------------------------------- doing


def _preview(at: Workplace, decide: Decide, prepare: Prepare) -> Preview:
    plan = decide(at.engine.recorded())
    return Preview(plan, prepare(plan))


def _change(at: Workplace, decide: Decide, prepare: Prepare, *, atomic: bool = False) -> RunReport:
    """Decide without the lock, ask, and decide again under it: what was asked for is what is done.

    No lock is taken and nothing is written when there is nothing to do. No prompt is open while the lock is held.
    """
    work = _Work(at, atomic=atomic)
    try:
        return _decide_and_do(at, work, decide, prepare)
    except MigrationManagerError as error:
        work.tell(error)
        raise
    except KeyboardInterrupt:
        raise work.stopped(interrupts.which()) from None


def _decide_and_do(at: Workplace, work: _Work, decide: Decide, prepare: Prepare) -> RunReport:
    for text in at.file_warnings:
        at.observer.warned(text)
    recorded = at.engine.recorded()
    try:
        plan = decide(recorded)
    except Unfinished:
        # Another run may be at it this very moment. Whoever holds the lock sees the truth.
        with at.engine.exclusive(at.lock_wait, at.observer.waiting_for_lock) as recorded:
            plan = decide(recorded)
    if not plan.steps and not _is_restamp(at, recorded):
        return _nothing(at, plan)
    if at.engine.identify().read_only:
        raise ConfigError(
            "this database can only be read: it is a standby, or a file without write permission",
            hint="use the address of the primary",
        )
    if not plan.steps:
        at.confirm(Preview(plan, ()))
        work.begin()
        _restamp(at, recorded)
        return _nothing(at, plan)
    while True:
        preview = Preview(plan, prepare(plan))
        work.agree(preview)
        try:
            with at.engine.exclusive(at.lock_wait, at.observer.waiting_for_lock) as recorded:
                plan = decide(recorded)
                if not plan.steps:
                    return work.nothing_left(plan)
                if _same(plan, preview.plan):
                    work.begin()
                    _restamp(at, recorded)
                    at.engine.ensure_history(at.run)
                    return work.do(preview)
            work.disagree()
            at.observer.warned("the database changed meanwhile; the plan was made again")
        except _Overtaken as overtaken:
            work.wait_after(overtaken.cause, preview.plan)
            with at.engine.exclusive(at.lock_wait, at.observer.waiting_for_lock) as recorded:
                plan = decide(recorded)
            if not plan.steps:
                return work.nothing_left(plan)


def _same(one: Plan, other: Plan) -> bool:
    return names(one.steps) == names(other.steps) and _essence(one) == _essence(other) and one.later == other.later


def _essence(plan: Plan) -> set[tuple[object, ...]]:
    return {(s.name, s.direction, s.applied and (s.applied.log_id, s.applied.progress)) for s in plan.steps}


def _nothing(at: Workplace, plan: Plan, warning: str | None = None) -> RunReport:
    warnings = (*plan.warnings, warning) if warning else plan.warnings
    for text in warnings:
        at.observer.warned(text)
    return RunReport(at.run.id, warnings=warnings, left=plan.left, plan=plan)


def _is_restamp(at: Workplace, recorded: Recorded) -> bool:
    return at.accept_identity and recorded.exists and recorded.environment != at.environment


def _restamp(at: Workplace, recorded: Recorded) -> None:
    if _is_restamp(at, recorded):
        at.engine.stamp(at.run, f"--accept-identity: it was {recorded.environment}")
        at.observer.warned(f"the database is {at.environment} from now on; it was {recorded.environment}")


class _Overtaken(Exception):
    """Nothing of the next transaction was begun, and the plan has to be made again."""

    def __init__(self, cause: MigrationManagerError) -> None:
        self.cause = cause
        super().__init__(str(cause))


class _Work:
    """What a run does, from its first task to its last, over as many plans as that takes."""

    def __init__(self, at: Workplace, *, atomic: bool) -> None:
        self._at = at
        self._atomic = atomic
        self._agreed: Plan | None = None
        self._told = False  # a person was shown what is going to be done
        self._begun = False  # the books may have been written to
        self._started = False
        self._finished: tuple[TaskResult, ...] = ()
        self._group: Sequence[Task] = ()  # the tasks of the newest transaction
        self._left: Sequence[Task] = ()  # those that come after them
        self._began = 0.0  # when it was
        self._kept_out_since: float | None = None
        self._sessions_ended = 0
        self._overtaken_at: Plan | None = None  # the plan whose first task another run was said to have done
        self._overtaken = 0  # how often of that one

    def agree(self, preview: Preview) -> None:
        """Ask whether a preview may be carried out, unless it is what is left of one that may.

        Raises `ConfigError` when this connection cannot carry it out, and what the question comes to.
        """
        outside = [task.name for task in preview.tasks if task.outside_transaction]
        if outside and not self._at.engine.capabilities.outside_transaction:
            raise ConfigError(
                f"{outside[0]} runs outside a transaction, and the connection pooler lends a session for one"
                " transaction only: neither the lock nor the progress of such a file could be relied on",
                hint="set `migrate_url` to an address past the pooler",
            )
        if self._agreed is None or not _is_rest_of(preview.plan, self._agreed):
            self._told = self._at.confirm(preview)
            self._agreed = preview.plan

    def disagree(self) -> None:
        """Have the next preview asked about, whatever it is: the database is not what was shown."""
        self._agreed = None

    def begin(self) -> None:
        """Take note that the database is not only looked at from here on."""
        self._begun = True

    def nothing_left(self, plan: Plan) -> RunReport:
        """Report a run whose work others have done meanwhile, or the rest of it."""
        report = _nothing(self._at, plan, "another run has done it meanwhile")
        return replace(report, finished=self._finished)

    def do(self, preview: Preview) -> RunReport:
        """Do the tasks of a preview, under the lock. Raises `_Overtaken` when others must be given way to."""
        at = self._at
        if not self._started:
            self._started = True
            if any(task.change.script for task in preview.tasks):
                at.engine.log_start(at.run, preview.tasks[0].change.logged_as)
            for text in preview.warnings if not self._told else ():
                at.observer.warned(text)
            at.observer.run_started(at.environment, at.engine.identify(), preview.tasks)
        groups = [preview.tasks] if self._atomic else [(task,) for task in preview.tasks]
        self._left = preview.tasks
        for group in groups:
            self._group, self._left, self._began = group, self._left[len(group) :], time.monotonic()
            self._finished += tuple(self._one(group, self._left))
        plan = self._agreed or preview.plan
        return RunReport(at.run.id, self._finished, warnings=preview.warnings, left=preview.plan.left, plan=plan)

    def wait_after(self, cause: MigrationManagerError, plan: Plan) -> None:
        """Wait until another try makes sense; raises the cause where none does.

        `plan` is the one that was being carried out.
        """
        if isinstance(cause, AlreadyRecorded):
            is_known = self._overtaken_at is not None and _same(self._overtaken_at, plan)
            self._overtaken_at, self._overtaken = plan, self._overtaken + 1 if is_known else 1
            if self._overtaken > _OVERTAKEN:
                raise cause
            time.sleep(0.1 * (self._overtaken - 1))
        elif isinstance(cause, SessionEnded):
            self._sessions_ended += 1
            if self._sessions_ended > _SESSIONS:
                raise cause
        elif isinstance(cause, LockNotAcquired):
            now = time.monotonic()
            self._kept_out_since = self._kept_out_since or now
            waited = now - self._kept_out_since
            if waited >= self._at.lock_wait:
                raise LockNotAcquired(waited, cause.holder) from None
            self._at.observer.waiting_for_lock(cause.holder, waited)
            time.sleep(min(0.5, 0.02 + waited / 4) * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            return
        self._kept_out_since = None

    def tell(self, error: MigrationManagerError) -> None:
        """Say in an error that came between two tasks, or before the first, what the run has done until then."""
        if error.report is not None:
            return
        if self._finished:
            done = names(self._finished)
            planned = names(self._agreed.steps) if self._agreed else ()
            error.report = RunReport(self._at.run.id, self._finished, tuple(n for n in planned if n not in done))
            error.state = aftermath.so_far(error.report)
        elif self._begun:
            error.state = _NOTHING_BEGUN
        elif error.exit_code in (Exit.FAILED, Exit.TRY_LATER):
            error.state = error.state or _NOTHING_CHANGED

    def stopped(self, stop: Stop) -> Interrupted:
        """Return the error for a run that a signal ended, wherever it was, after looking what became of its tasks."""
        if not self._group:
            return Interrupted(stop, state=_NOTHING_BEGUN if self._begun else _NOTHING_CHANGED)
        now = names(self._group)
        finished = tuple(result for result in self._finished if result.name not in now)
        report = RunReport(self._at.run.id, finished, names(self._left))
        fate, hint, how_far = Fate.FINISHED, None, ""
        if len(finished) == len(self._finished):  # it was not told as finished
            recorded = _look(self._at)
            fate = aftermath.fate(self._at.run.id, self._group, recorded)
            if fate is Fate.UNFINISHED and recorded is not None:
                hint, how_far = aftermath.how_to_go_on(self._group[0]), aftermath.how_far(recorded, self._group[0])
        state = fate.told_of(self._group) + how_far + aftermath.before(report)
        if fate in (Fate.NOT_KEPT, Fate.UNFINISHED):
            self._log_failure(self._group[0], f"{stop.word} by {stop.origin}", None, self._began)
        elif fate is Fate.FINISHED:
            took = round((time.monotonic() - self._began) * 1000)
            done = tuple(TaskResult(task.name, task.change.action, took) for task in self._group)
            report = replace(report, finished=finished + done)
        interrupted = Interrupted(stop, state=state, hint=hint)
        interrupted.report = report
        return interrupted

    def _one(self, group: Sequence[Task], left: Sequence[Task]) -> list[TaskResult]:
        """Do the tasks of one transaction and tell; what fails comes out with the report of what went in before."""
        at, before = self._at, len(self._finished)
        total = before + len(group) + len(left)
        for number, task in enumerate(group, before + 1):
            at.observer.task_started(task, number, total)
        report = RunReport(at.run.id, self._finished, names(left))
        tries = 1
        try:
            done: tuple[Done, ...]
            if group[0].outside_transaction:
                done = (at.engine.run_outside_transaction(at.run, group[0].change),)
            else:
                done, tries = self._transact(group)
        except (AlreadyRecorded, LockNotAcquired, SessionEnded) as error:
            error.report = report
            error.state = aftermath.state_after(group[0], group, error) + aftermath.before(report)
            raise _Overtaken(error) from None
        except MigrationManagerError as error:
            failed = group[error.index]
            if not isinstance(error, OutcomeUnknown):  # it may be kept, and the log must not say that it failed
                self._log_failed(failed, error)
            if isinstance(error, SqlFailed):
                raise aftermath.failure(failed, group, error, report) from None
            error.report = report
            error.state = aftermath.state_after(failed, group, error) + aftermath.before(report)
            if error.kept is not None:
                error.hint = error.hint or aftermath.how_to_go_on(failed)
            raise
        self._kept_out_since = None
        results = []
        for number, (task, outcome) in enumerate(zip(group, done, strict=True), before + 1):
            result = TaskResult(task.name, task.change.action, outcome.execution_ms, outcome.rows, tries)
            at.observer.task_finished(result, number, total)
            results.append(result)
        return results

    def _transact(self, group: Sequence[Task]) -> tuple[tuple[Done, ...], int]:
        """Do the changes of one transaction, again and again while others stand in its way; return the tries as well.

        Between two tries nothing is open, so that whoever queued behind a lock of ours gets on.
        """
        at, tries = self._at, 1
        while True:
            try:
                return at.engine.transact(at.run, [task.change for task in group]), tries
            except SqlFailed as error:
                error.tries = tries
                failed = group[error.index]
                pause = None
                if aftermath.is_in_the_way(failed, error):
                    spent = time.monotonic() - self._began
                    pause = at.retries.pause(tries, spent, random.random())  # noqa: S311 - jitter
                if pause is None:
                    raise
                at.observer.trying_again(failed, tries, at.retries.most + 1, pause, error)
            time.sleep(pause)
            tries += 1

    def _log_failed(self, task: Task, error: MigrationManagerError) -> None:
        text, code = error.message, None
        if isinstance(error, SqlFailed):
            text = "; ".join(filter(None, (text, last_word(error.tries, error.wait))))
            code = error.code
        self._log_failure(task, text, code, self._began)

    def _log_failure(self, task: Task, error: str, code: str | None, began: float) -> None:
        took = round((time.monotonic() - began) * 1000)
        self._at.engine.log_failure(self._at.run, task.change, self._at.clean(error), code, took)


def _is_rest_of(plan: Plan, agreed: Plan) -> bool:
    """Return whether a plan does nothing that was not agreed to."""
    return _essence(plan) <= _essence(agreed) and set(plan.later) <= set(agreed.later)


def _look(at: Workplace) -> Recorded | None:
    try:
        return at.engine.recorded()
    except MigrationManagerError:
        return None
