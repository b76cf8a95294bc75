"""The decisions: what stands where, what a run would do, and why it may not.

Pure functions from values to values. Read `survey` first, then `plan_migrate` and `plan_rollback`; nothing here knows a
database, a file system or a terminal.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

from migration_manager.errors import (
    GuardRefused,
    HistoryError,
    NotApplied,
    OutOfOrderRefused,
    Unfinished,
    UnknownName,
    UsageError,
)
from migration_manager.model import (
    Action,
    Applied,
    Direction,
    Entangled,
    Leftover,
    Migration,
    OutOfOrder,
    PastRun,
    Plan,
    Recorded,
    Standing,
    State,
    Status,
    Step,
    Survey,
    Touched,
    names,
)
from migration_manager.names import order_key, resolve

CHECKSUM_VERSION = "v1:"


# ------------------------------------------------------------------------------------------- survey


def survey(
    migrations: Sequence[Migration], history: Sequence[Applied], *, elsewhere: Container[str] = frozenset()
) -> Survey:
    """Put files and history together: one standing per name known to either, in file order.

    `elsewhere` holds the names whose header says that they are for other environments.
    Raises `HistoryError` when a row's checksum was made by an algorithm this version does not know.
    """
    files = {migration.name: migration for migration in migrations}
    rows = {row.name: row for row in history}
    known = sorted(files.keys() | rows.keys(), key=order_key)
    newest_file = max((order_key(name) for name in files), default=None)
    newest_applied = max((order_key(name) for name in rows), default=None)
    standings = []
    for name in known:
        migration, row = files.get(name), rows.get(name)
        status = _status(migration, row, is_newer=newest_file is not None and order_key(name) > newest_file)
        if status is Status.PENDING and name in elsewhere:
            status = Status.ELSEWHERE
        late = status is Status.PENDING and newest_applied is not None and order_key(name) < newest_applied
        standings.append(Standing(name, status, migration, row, out_of_order=late))
    return Survey(tuple(standings))


def _status(migration: Migration | None, row: Applied | None, *, is_newer: bool) -> Status:
    if row is None:
        return Status.PENDING
    if row.state is State.UNFINISHED:
        return Status.UNFINISHED
    if migration is None:
        return Status.AHEAD if is_newer else Status.MISSING
    if not row.checksum.startswith(CHECKSUM_VERSION):
        raise HistoryError(
            f"the checksum of {row.name} was recorded by a newer version of this tool ({row.checksum[:8]}…)",
            names=(row.name,),
            hint="use that version, or a newer one",
        )
    return Status.APPLIED if migration.source.checksum == row.checksum else Status.CHANGED


# ------------------------------------------------------------------------------------------ forward


@dataclass(frozen=True, slots=True)
class Forward:
    """What was asked of `migrate`. `to` is a full name, included in the plan; `steps` bounds how many."""

    to: str | None = None
    steps: int | None = None
    out_of_order: OutOfOrder = OutOfOrder.WARN
    allow_missing: bool = False


def plan_migrate(state: Survey, asked: Forward) -> Plan:
    """Decide which pending migrations run, in file order; none is an empty plan.

    Raises `HistoryError` when an applied file changed, is missing, or a migration is unfinished, `OutOfOrderRefused`
    under that policy, `UnknownName` and `UsageError` when what was asked makes no sense.
    """
    _refuse_disagreement(state, allow_missing=asked.allow_missing)
    chosen = list(state.pending)
    if asked.to is not None:
        target = _standing(state, asked.to)
        if target.migration is None:
            raise UsageError(f"{asked.to} is applied and has no file here; it cannot be a target of migrate")
        chosen = [s for s in chosen if order_key(s.name) <= order_key(asked.to)]
    if asked.steps is not None:
        if asked.steps < 1:
            raise UsageError("--steps takes a number from 1")
        chosen = chosen[: asked.steps]
    warnings = _ahead_warnings(state) + _missing_warnings(state) + _late_warnings(state, chosen, asked.out_of_order)
    steps = tuple(Step(Direction.FORWARD, s.name, s.migration, None) for s in chosen)
    taken = set(names(chosen))
    return Plan(steps, warnings, left=tuple(s.name for s in state.pending if s.name not in taken))


def _refuse_disagreement(state: Survey, *, allow_missing: bool) -> None:
    unfinished = state.having(Status.UNFINISHED)
    if unfinished:
        raise _unfinished(unfinished)
    changed = state.having(Status.CHANGED)
    if changed:
        raise HistoryError(
            f"{_listed(changed)} changed after {_it(changed)} {_was(changed)} applied",
            names=names(changed),
            hint="`verify` shows what changed; put the file back, or accept it with `repair --name`",
        )
    missing = state.having(Status.MISSING)
    if missing and not allow_missing:
        raise HistoryError(
            f"{_listed(missing)} {_is(missing)} applied and the file is missing here",
            names=names(missing),
            hint="bring the file back, roll it back with `rollback --name`, or pass --allow-missing",
        )


def _unfinished(standings: Sequence[Standing]) -> Unfinished:
    told = "".join(f"\n  {line}" for standing in standings for line in progress_of(standing))
    return Unfinished(
        f"{_listed(standings)} stopped half-way and {_is(standings)} unfinished" + (f":{told}" if told else ""),
        names=names(standings),
        hint="`resume` goes on where it stopped; `resume --mark-applied` or `resume --mark-rolled-back` records what a "
        "person did by hand",
    )


def progress_of(standing: Standing) -> tuple[str, ...]:
    """Return how far an unfinished migration came and what it left behind, a line each; nothing where nobody knows."""
    progress = standing.applied.progress if standing.applied else None
    if progress is None:
        return ()
    back = "rolling back: " if _direction(standing.applied) is Direction.BACK else ""
    return (back + progress.in_words, *(f"left behind: {_in_words(left)}" for left in progress.left))


def left_as_it_is(step: Step) -> tuple[str, ...]:
    """Return warnings for what an unfinished migration did, none of which is undone by saying how it ended."""
    progress = step.applied.progress if step.applied else None
    if progress is None:
        return ()
    done = f"{step.name}: {progress.in_words}; nothing is run, and what it did stays as it is"
    return (done, *(f"left behind by it, and not taken away: {_in_words(left)}" for left in progress.left))


def _in_words(left: Leftover) -> str:
    return f"{left.kind.value} {left.name} on {left.table}"


def plan_resume(state: Survey, name: str | None) -> Plan:
    """Decide which unfinished migration goes on, in the direction it was going; none is an empty plan.

    Raises `HistoryError` when the one that is named is not unfinished, `UsageError` when several are and none is named.
    """
    unfinished = state.having(Status.UNFINISHED)
    if name is not None:
        standing = _standing(state, name)
        if standing not in unfinished:
            raise HistoryError(f"{name} is not unfinished: it is {standing.status.value}", names=(name,))
        unfinished = (standing,)
    if len(unfinished) > 1:
        raise UsageError(f"{_listed(unfinished)} are unfinished: which is meant?", hint="say it with --name")
    return Plan(tuple(Step(_direction(s.applied), s.name, s.migration, s.applied) for s in unfinished))


def _direction(row: Applied | None) -> Direction:
    went_back = row is not None and row.action is Action.ROLLBACK
    return Direction.BACK if went_back else Direction.FORWARD


def _ahead_warnings(state: Survey) -> tuple[str, ...]:
    ahead = state.having(Status.AHEAD)
    if not ahead:
        return ()
    return (f"the database is ahead of these files: {_listed(ahead)} {_is(ahead)} applied and not here",)


def _missing_warnings(state: Survey) -> tuple[str, ...]:
    missing = state.having(Status.MISSING)
    return (f"{_listed(missing)} {_is(missing)} applied and the file is missing here",) if missing else ()


def _late_warnings(state: Survey, chosen: Sequence[Standing], policy: OutOfOrder) -> tuple[str, ...]:
    late = [s for s in chosen if s.out_of_order]
    if not late or policy is OutOfOrder.ALLOW:
        return ()
    newest = max((s.name for s in state.standings if s.applied), key=order_key)
    if policy is OutOfOrder.REFUSE:
        raise OutOfOrderRefused(names(late), newest)
    return (f"{_listed(late)} {'sorts' if len(late) == 1 else 'sort'} before {newest}, which is already applied",)


# ----------------------------------------------------------------------------------------- rollback


@dataclass(frozen=True, slots=True)
class Back:
    """What was asked of `rollback`; exactly one of the selections is set. Names are full names.

    `name`: exactly that one (with `cascade`, what came after it too). `steps`: the newest so many. `to`: everything
    applied after that one, which stays. `run`: everything the run applied. `last_run`: everything that the newest run
    applied, and never what another one did. `all`: everything.
    """

    name: str | None = None
    steps: int | None = None
    to: str | None = None
    run: str | None = None
    last_run: bool = False
    all: bool = False
    cascade: bool = False


def plan_rollback(state: Survey, asked: Back, last_run: PastRun | None = None) -> Plan:
    """Decide what is rolled back, newest application first; nothing applied is an empty plan.

    "Newest" and "after" follow the order in which migrations were applied, not their names. `last_run` is the newest
    run that began to migrate: where that left nothing applied the plan is empty, and says so. Raises `NotApplied`,
    `UnknownName` and `UsageError`.
    """
    applied = state.in_applied_order
    if asked.last_run:
        if last_run is None or not any(s.applied.run_id == last_run.id for s in _run_here(applied) if s.applied):
            return Plan((), _nothing_of(last_run, _run_here(applied)))
        asked = replace(asked, run=last_run.id, last_run=False)
    place = {standing.name: index for index, standing in enumerate(applied)}
    chosen = _chosen_for_rollback(state, applied, asked)
    of_run = None if asked.run is None else _past_run([s.applied for s in chosen if s.applied is not None])
    if asked.cascade and chosen:
        chosen = list(applied[min(place[s.name] for s in chosen) :])
    chosen.sort(key=lambda s: place[s.name], reverse=True)
    taken = set(names(chosen))
    later = tuple(s for s in applied[place[chosen[-1].name] :] if s.name not in taken) if chosen else ()
    entangled, unclear = _compared(chosen, later)
    warnings = _later_warnings(chosen[-1].name, later, entangled, unclear) if later else ()
    baselined = [s for s in chosen if s.applied is not None and s.applied.baselined]
    if baselined:
        warnings += (f"{_listed(baselined)} {_was(baselined)} recorded by baseline, never run here",)
    steps = tuple(Step(Direction.BACK, s.name, s.migration, s.applied) for s in chosen)
    return Plan(steps, warnings, names(later), entangled=entangled, unclear=unclear, of_run=of_run)


def _chosen_for_rollback(state: Survey, applied: Sequence[Standing], asked: Back) -> list[Standing]:
    if asked.name is not None:
        return [_applied_standing(state, asked.name)]
    if asked.to is not None:
        stays = _applied_standing(state, asked.to).name
        return list(applied[[s.name for s in applied].index(stays) + 1 :])
    if asked.run is not None:
        return _of_run(_run_here(applied), asked.run)
    if asked.all:
        return list(applied)
    steps = 1 if asked.steps is None else asked.steps
    if steps < 1:
        raise UsageError("--steps takes a number from 1")
    return list(applied[-steps:])


def _run_here(applied: Sequence[Standing]) -> list[Standing]:
    """Return what a run applied, in the same order: what one only recorded (`baseline`) it did not apply."""
    return [s for s in applied if s.applied is not None and not s.applied.baselined]


def _of_run(applied: Sequence[Standing], run: str) -> list[Standing]:
    """Return what one run applied; `run` may be the beginning of a run's id."""
    runs = [s.applied.run_id for s in applied if s.applied is not None]
    if not run.strip():
        raise UsageError("--run takes a run's id, and what is given is empty", hint="`history` lists the runs")
    fitting = sorted({known for known in runs if known.lower().startswith(run.lower())})
    if not fitting:
        raise UsageError(f"nothing that is applied now came from a run {run}", hint="`history` lists the runs")
    if len(fitting) > 1:
        raise UsageError(f"{run} fits {len(fitting)} runs: {', '.join(fitting)}", hint="write more of the run's id")
    return [s for s in applied if s.applied is not None and s.applied.run_id == fitting[0]]


def _past_run(rows: Sequence[Applied]) -> PastRun | None:
    """Return the run that applied all of these; None when there are none."""
    return PastRun(rows[0].run_id, min(row.applied_at for row in rows), rows[0].applied_by, len(rows)) if rows else None


def _nothing_of(last_run: PastRun | None, applied: Sequence[Standing]) -> tuple[str, ...]:
    """Say that the newest run left nothing to undo, and which one is applied that came before it.

    That one is not taken instead: whoever undoes a deployment that failed must not undo last week's by accident.
    """
    rows = [s.applied for s in applied if s.applied is not None]
    before = _past_run([row for row in rows if row.run_id == rows[-1].run_id])
    if last_run is None:
        told = "the log does not tell which run was the newest" if before else ""
    elif last_run.count:
        told = f"what the newest run ({described(last_run)}) applied is not applied any more"
    else:
        told = f"the newest run ({described(last_run)}) left nothing applied"
    if before:
        told += f"; the newest that is applied is another one ({described(before)}): `rollback --run {before.id}`"
    return (told,) if told else ()


def _compared(chosen: Sequence[Standing], later: Sequence[Standing]) -> tuple[tuple[Entangled, ...], tuple[str, ...]]:
    """Return which of the later ones touched the same tables as a chosen one before them, and of which nobody knows."""
    entangled, unclear = [], []
    for standing in later:
        if standing.applied is None:
            continue
        undone = [s.applied for s in chosen if s.applied is not None and s.applied.log_id < standing.applied.log_id]
        theirs = standing.applied.touched
        tables = {name for row in undone for name in _shared(row.touched or (), theirs or ())}
        if tables:
            entangled.append(Entangled(standing.name, tuple(sorted(tables))))
        elif theirs is None or any(row.touched is None for row in undone):
            unclear.append(standing.name)
    return tuple(entangled), tuple(unclear)


def _shared(earlier: Sequence[Touched], later: Sequence[Touched]) -> set[str]:
    """Return the names of the relations that both touched: same number, whatever became of its name, or same name.

    One that was made anew under an old name is the same table to whoever wrote the files.
    """
    return {
        one.name or other.name or f"relation {one.oid}"
        for other in earlier
        for one in later
        if (one.oid is not None and one.oid == other.oid) or (one.name is not None and one.name == other.name)
    }


def _later_warnings(
    oldest: str, later: Sequence[Standing], entangled: Sequence[Entangled], unclear: Sequence[str]
) -> tuple[str, ...]:
    after = f"applied after {oldest}"
    same = ", ".join(f"{each.name} ({', '.join(each.tables)})" for each in entangled)
    told = [f"{after} and touching the same tables: {same}"] if entangled else []
    others = "" if entangled or unclear else ", on other tables"
    told.append(f"{after} and staying{others}: {_listed(later)} (--cascade takes {_them(later)} too)")
    if unclear:
        told.append(f"which tables it touched is not known of {', '.join(unclear)}")
    return tuple(told)


def _applied_standing(state: Survey, name: str) -> Standing:
    standing = _standing(state, name)
    if standing.applied is None:
        raise NotApplied(f"{name} is not applied", names=(name,), hint="nothing was changed; `status` lists what is")
    return standing


# ---------------------------------------------------------------------------------------- the books


def plan_baseline(state: Survey, *, to: str | None, name: str | None) -> tuple[Standing, ...]:
    """Decide which migrations are recorded as applied without running: pending or unfinished ones, in file order.

    `to`: that one and everything before it; `name`: just that one; neither: all.
    """
    open_ones = [s for s in state.having(Status.PENDING, Status.UNFINISHED) if s.migration is not None]
    if name is not None:
        standing = _standing(state, name)
        if standing not in open_ones:
            reasons = {Status.ELSEWHERE: "is for other environments", Status.UNFINISHED: "has no file here"}
            reason = reasons.get(standing.status, "is recorded as applied already")
            raise HistoryError(f"{name} {reason}", names=(name,))
        return (standing,)
    if to is not None:
        _standing(state, to)
        return tuple(s for s in open_ones if order_key(s.name) <= order_key(to))
    return tuple(open_ones)


def plan_repair(state: Survey, name: str | None, *, changed: Container[str]) -> tuple[Standing, ...]:
    """Decide whose recorded checksums are replaced: that one's, or every changed one's; none when nothing changed.

    `changed` holds the names of which the file or the rollback script is another one now.
    """
    if name is None:
        return tuple(s for s in state.standings if s.name in changed and s.applied and s.migration)
    standing = _standing(state, name)
    if standing.applied is None:
        raise NotApplied(f"{name} is not applied", names=(name,))
    if standing.migration is None:
        raise HistoryError(f"{name} has no file here to take the checksum from", names=(name,))
    return (standing,) if name in changed else ()


def plan_forget(state: Survey, name: str) -> Standing:
    """Decide whose history row is deleted without running anything."""
    return _applied_standing(state, name)


def as_plan(chosen: Sequence[Standing]) -> Plan:
    """Return the plan that visits these migrations in their order; for the books, where no script runs."""
    return Plan(tuple(Step(Direction.FORWARD, s.name, s.migration, s.applied) for s in chosen))


# ------------------------------------------------------------------------------------------- guards


def check_identity(recorded: Recorded, environment: str) -> None:
    """Refuse a database that says it belongs to another environment; an unstamped one passes."""
    if recorded.environment is not None and recorded.environment != environment:
        raise GuardRefused(
            f"this database says it is {recorded.environment}, and the environment asked for is {environment}",
            hint="check --env and the URL (`config` shows where it comes from); if the database really is "
            f"{environment} now, for example a restored copy, pass --accept-identity once",
            state="nothing was changed",
        )


def full_name(state: Survey, asked: str) -> str:
    """Return the full name a person meant by a shortened one; raises `UnknownName` or `AmbiguousName`."""
    return resolve(asked, [s.name for s in state.standings])


# -------------------------------------------------------------------------------------------- words


def described(run: PastRun) -> str:
    """Say in a few words which run it was, when and whose."""
    return f"{run.id}, {run.at:%Y-%m-%d %H:%M:%S} UTC, by {run.by}"


def _standing(state: Survey, name: str) -> Standing:
    for standing in state.standings:
        if standing.name == name:
            return standing
    raise UnknownName(name, [s.name for s in state.standings])


def _listed(items: Sequence[Standing], most: int = 3) -> str:
    shown = ", ".join(names(items[:most]))
    return shown if len(items) <= most else f"{shown} and {len(items) - most} more"


def _is(items: Sequence[Standing]) -> str:
    return "is" if len(items) == 1 else "are"


def _was(items: Sequence[Standing]) -> str:
    return "was" if len(items) == 1 else "were"


def _it(items: Sequence[Standing]) -> str:
    return "it" if len(items) == 1 else "they"


def _them(items: Sequence[Standing]) -> str:
    return "it" if len(items) == 1 else "them"
