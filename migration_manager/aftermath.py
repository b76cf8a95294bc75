"""What to say after a run went wrong: what is kept, what is not, and what to do next."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from contextlib import suppress

from migration_manager.errors import FileError, LocksNotObtained, MigrationFailed, MigrationManagerError, SqlFailed
from migration_manager.locate import locate
from migration_manager.model import Action, Recorded, RunReport, State, Task
from migration_manager.retrying import IN_THE_WAY


def failure(failed: Task, group: Sequence[Task], error: SqlFailed, report: RunReport) -> MigrationManagerError:
    """Return the error for a task the database refused: where in its file, what state it left, what to do next."""
    script = failed.change.script
    if script is None:  # the books alone: there is no file to point into
        error.report = report
        return error
    line, column, shown = None, None, None
    if error.offset is not None:
        with suppress(FileError):  # the file is gone, or is another one by now
            line, column, shown = locate(script.source.read(), error.offset)
    kind = LocksNotObtained if is_in_the_way(failed, error) else MigrationFailed
    return kind(
        failed.name,
        script.source.path,
        error,
        report,
        line=line,
        column=column,
        excerpt=shown,
        state=state_after(failed, group, error) + before(report),
        hint=_hint_after(failed, error),
    )


def is_in_the_way(failed: Task, error: SqlFailed) -> bool:
    """Return whether others stood in the way of a transaction that can be done anew, from its beginning."""
    return error.code in IN_THE_WAY and not failed.outside_transaction


def before(report: RunReport) -> str:
    """Say what the run did before it stopped and what it did not reach, as the end of a sentence."""
    told = f"; {_stays(report, ' before it')}" if report.finished else ""
    return told + (f"; {len(report.not_reached)} more not reached" if report.not_reached else "")


def so_far(report: RunReport) -> str:
    """Say the same of a run that stopped between two tasks, and had finished one at least."""
    left = f"; {len(report.not_reached)} more not begun" if report.not_reached else ""
    return f"{_stays(report)}{left}"


def _stays(report: RunReport, where: str = "") -> str:
    back = report.finished[-1].action in (Action.ROLLBACK, Action.FORGET)
    count = len(report.finished)
    verb = "stays" if count == 1 else "stay"
    return f"{count}{where} {verb} {'rolled back' if back else 'applied'} (run {report.run_id})"


class Fate(enum.Enum):
    """What became of the tasks of one transaction that a signal hit; the value says so, with their name."""

    UNKNOWN = "what became of {} is not known; `status` tells"
    UNFINISHED = "{} is recorded as unfinished"
    FINISHED = "{} was finished and is recorded"
    NOT_KEPT = "nothing of {} was kept"

    def told_of(self, group: Sequence[Task]) -> str:
        """Say it of these tasks."""
        return self.value.format(group[0].name if len(group) == 1 else f"{group[0].name} and {len(group) - 1} more")


def fate(run_id: str, group: Sequence[Task], recorded: Recorded | None) -> Fate:
    """Return what became of the tasks a signal hit; `recorded` is what the database says now, None if it cannot.

    The signal may have come just after their COMMIT, so the row decides.
    """
    if recorded is None:
        return Fate.UNKNOWN
    row = {row.name: row for row in recorded.applied}.get(group[-1].name)
    if row is None:
        undoes = group[-1].change.action in (Action.ROLLBACK, Action.FORGET)
        return Fate.FINISHED if undoes else Fate.NOT_KEPT
    if row.state is State.UNFINISHED:
        return Fate.UNFINISHED
    change = group[-1].change
    if change.action is Action.REPAIR:  # keeps the row as that of the run that applied it
        is_done = change.checksum in (None, row.checksum) and change.rollback_checksum == row.rollback_checksum
    elif change.resumption is not None or change.action is Action.RESUME:  # keep it as well
        is_done = True  # for it is not unfinished any more
    else:
        is_done = row.run_id == run_id
    return Fate.FINISHED if is_done else Fate.NOT_KEPT


def how_far(recorded: Recorded, task: Task) -> str:
    """Say how far an unfinished script came, as the end of a sentence; nothing where that was not noted."""
    progress = next((row.progress for row in recorded.applied if row.name == task.name), None)
    return "" if progress is None else f": {progress.in_words}"


def state_after(failed: Task, group: Sequence[Task], error: MigrationManagerError) -> str:
    """Say what is kept of the tasks of one transaction after it went wrong; the engine's own word counts most."""
    if error.state is not None:
        return error.state
    if error.kept is not None and failed.change.script is not None:
        return _state_of_unfinished(error.kept, failed.change.script.statement_count, in_doubt=error.in_doubt)
    if not isinstance(error, SqlFailed) or failed.change.script is None:
        return f"nothing of {failed.name} was kept"
    still = f"it is still {'pending' if failed.was is None else failed.was.value}"
    if len(group) > 1:
        return f"nothing of the {len(group)} in this transaction was kept; {still}"
    return f"nothing of it was kept; {still}"


def _state_of_unfinished(kept: int, total: int, *, in_doubt: bool) -> str:
    if in_doubt:
        return f"whether statement {kept + 1} of {total} has run is not known; it is recorded as unfinished"
    if kept < total:
        what = f"{kept or 'none'} of its {total} statements {'was' if kept < 2 else 'were'} kept"
        what = what if total > 1 else "its statement was not kept"
    else:
        what = f"all of its {total} statements were kept" if total > 1 else "its statement was kept"
    return f"{what} and it is recorded as unfinished"


def _hint_after(failed: Task, error: SqlFailed) -> str:
    if error.kept is None:
        return error.hint or _next_step(failed, error)
    if error.hint is None or error.code in IN_THE_WAY:  # it is not tried again, and `migrate` would not go on
        return how_to_go_on(failed)
    return error.hint if "`resume`" in error.hint else f"{error.hint}; then: {how_to_go_on(failed)}"


def how_to_go_on(failed: Task) -> str:
    """Say what to do about a no-transaction script that stopped half-way."""
    ended = "--mark-rolled-back" if failed.change.action is Action.ROLLBACK else "--mark-applied"
    return (
        "`status` shows where it stopped; mend what stood in its way and `resume` goes on there (past that statement:"
        f" `resume --skip`); or finish it by hand and say so: `resume {ended}`"
    )


def _next_step(failed: Task, error: SqlFailed) -> str:
    if is_in_the_way(failed, error):
        return "nothing is wrong with the file: run again later; `blockers` shows who is in the way"
    if failed.change.action is Action.MIGRATE:
        return "mend the file and run migrate again"
    if error.code == "2BP01":  # dependent_objects_still_exist
        return "later migrations built on it: --cascade rolls back what was applied after it, too"
    return "mend the rollback script and run rollback again"
