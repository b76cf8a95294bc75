"""From a planned step to a change that is ready: reads rollback scripts, understands headers, picks what to run.

Everything that can be found wrong with a file is found here, before anything is changed.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from migration_manager.errors import (
    DirectiveError,
    GuardRefused,
    HistoryError,
    MigrationManagerError,
    NoRollbackScript,
    nearest,
)
from migration_manager.model import (
    Action,
    Applied,
    Change,
    Dialect,
    Difference,
    Direction,
    Migration,
    Script,
    Source,
    Standing,
    State,
    Step,
    Survey,
    Task,
)
from migration_manager.names import ENDING, ROLLBACK, shown_path
from migration_manager.resuming import Doubt, place_of, resumption_of
from migration_manager.script import OnRead, losses_in_words, parse
from migration_manager.sqltext import without_comments
from migration_manager.textfile import read_source

_COMPARED = 8 * 1024 * 1024  # bytes; a file longer than that is not shown as a difference

_AT_ONCE = 64  # kept texts, of a mebibyte each at the most

KeptTexts = Callable[[Sequence[str]], dict[str, str]]


def no_texts(_checksums: Sequence[str]) -> dict[str, str]:
    """Say that no text is kept: enough where only the files count, or the fact of a difference."""
    return {}


class KeptAhead:
    """Kept texts, asked for many at a time in the order in which they will be wanted: see `KeptTexts`."""

    def __init__(self, ask: KeptTexts, wanted: Sequence[str]) -> None:
        self._ask = ask
        self._wanted = list(dict.fromkeys(wanted))
        self._asked: set[str] = set()
        self._here: dict[str, str] = {}

    def __call__(self, checksums: Sequence[str]) -> dict[str, str]:
        missing = [checksum for checksum in checksums if checksum not in self._asked]
        if missing:
            begin = self._wanted.index(missing[0]) if missing[0] in self._wanted else len(self._wanted)
            asked = [*missing, *self._wanted[begin : begin + _AT_ONCE]]
            self._here, self._asked = self._ask(asked), set(asked)
        return {checksum: self._here[checksum] for checksum in checksums if checksum in self._here}


class Preparer:
    """Reads and understands the scripts that a run needs, once each. Never writes."""

    def __init__(
        self,
        dialect: Dialect,
        *,
        shown_from: Path,
        environments: Sequence[str] = (),
        on_read: OnRead | None = None,
    ) -> None:
        """`environments` are the configured names; a header that names another one is refused as a slip.

        `on_read` is told a file's path, and how many bytes of it have been read out of how many.
        """
        self._on_read = on_read
        self._dialect = dialect
        self._environments = tuple(environments)
        self._shown_from = shown_from
        self._parsed: dict[tuple[str, bool], Script] = {}

    def shown(self, path: Path) -> str:
        """Return a path as people should see it."""
        return shown_path(path, self._shown_from)

    # ------------------------------------------------------------------------------------ headers

    def is_for(self, migration: Migration, environment: str) -> bool:
        """Return whether the migration's header lets it run in this environment."""
        wanted = self._script(migration.source, rollback=False).directives.environments
        if wanted is None:
            return True
        for name in wanted if self._environments else ():
            if name not in self._environments and name != environment:
                close = nearest(name, self._environments)
                raise DirectiveError(
                    f"environments: there is no environment {name}",
                    path=migration.source.path,
                    hint=f"did you mean {close}?" if close else "configured are " + ", ".join(self._environments),
                )
        return environment in wanted

    def note(self, migration: Migration) -> str | None:
        """Return what `status` should say about a pending migration; None when there is nothing to say."""
        script = self._script(migration.source, rollback=False)
        words = []
        if script.directives.no_transaction:
            words.append("no transaction")
        if script.directives.irreversible is not None:
            words.append(f"irreversible: {script.directives.irreversible}")
        elif migration.rollback_path is None:
            words.append("no rollback script")
        if not script.statement_count:
            words.append("no statement")
        if lost := losses_in_words(script, most=1, lines=False):
            words.append(f"loses data: {lost}")
        return ", ".join(words) or None

    # -------------------------------------------------------------------------------------- tasks

    def forward(self, step: Step, *, require_rollback: bool) -> Task:
        """Make a planned migration ready.

        Raises `FileError` for a file that must not run, `GuardRefused` for one without a rollback script where the
        environment requires it.
        """
        migration = _on_disk(step)
        script = self._script(migration.source, rollback=False)
        undo = self._undo(migration)
        reversible = undo is not None and _undoes(undo)
        if require_rollback and not reversible and script.directives.irreversible is None:
            raise GuardRefused(
                f"{step.name} has no rollback script, and this environment requires one",
                hint=f"write {step.name}_rollback.sql, or say `-- migrate: irreversible because …` in the file",
                state="nothing was changed",
            )
        warnings = () if script.statement_count else (f"{step.name} has no statement; it is only recorded",)
        change = _record(Action.MIGRATE, migration, undo)
        return Task(step.name, replace(change, script=script), warnings)

    def as_applied(self, row: Applied, migration: Migration | None, kept_texts: KeptTexts) -> Task:
        """Make an applied migration ready to run somewhere else, as it was when it was applied.

        Its file serves where that is unchanged, else the text that was kept. Raises `HistoryError` without either.
        """
        source = migration.source if migration is not None and migration.source.checksum == row.checksum else None
        if source is None:
            text = kept_texts([row.checksum]).get(row.checksum)
            if text is None:
                what = "has no file here" if migration is None else "has changed since it was applied"
                raise HistoryError(f"{row.name} {what}, and its text was not kept", names=(row.name,))
            source = Source.held(f"{row.name}.sql (kept)", text, row.checksum)
        script = self._script(source, rollback=False)
        return Task(row.name, Change(Action.MIGRATE, row.name, script, checksum=row.checksum))

    def back(self, step: Step, kept_texts: KeptTexts) -> Task:
        """Make a planned rollback ready: the file where it exists, else the text that was kept when it was applied.

        Data it loses is a warning, never a refusal: dropping what a migration made is what a rollback is for.
        Raises `NoRollbackScript` when there is nothing to run and `GuardRefused` for a migration declared irreversible.
        """
        self._refuse_irreversible(step, kept_texts)
        kept = self._kept_undo(step, kept_texts)
        on_disk = self._undo(step.migration) if step.migration else None
        warnings: tuple[str, ...] = ()
        script = on_disk
        if on_disk is not None and _undoes(on_disk):
            if kept is not None and kept.checksum != on_disk.source.checksum:
                changed = f"{on_disk.source.path} changed since {step.name} was applied; the file is used"
                if on_disk.source.size <= _COMPARED:
                    changed += ":\n" + "\n".join(_diff(kept.text, on_disk.source.text, on_disk.source.path))
                warnings = (changed,)
        elif kept is not None and (on_disk is None or kept.checksum != on_disk.source.checksum):
            script = self._script(kept, rollback=True)
            warnings = (f"{step.name} has no rollback script here; the one kept when it was applied is used",)
        if script is None or not _undoes(script):
            raise _no_rollback(step, script)
        if lost := losses_in_words(script):
            warnings += (f"rolling back {step.name} loses data: {lost}",)
        change = Change(Action.ROLLBACK, step.name, script, checksum=script.source.checksum)
        return Task(step.name, change, warnings, step.applied.state if step.applied else None)

    def resumed(self, step: Step, kept_texts: KeptTexts, done: Sequence[str], doubt: Doubt) -> Task:
        """Make an unfinished migration ready to go on, in the direction it was going; the file where it exists.

        `done` are the checksums of the statements that are kept. Raises as `resuming.resumption_of` does,
        `HistoryError` when there is no text to go on with, and `NoRollbackScript`.
        """
        progress = step.applied.progress if step.applied else None
        if progress is None:
            raise HistoryError(
                f"how far {step.name} came was not noted, so it cannot go on by itself",
                names=(step.name,),
                hint="look at what its statements left behind; then `resume --mark-applied` or "
                "`resume --mark-rolled-back` says how it ended",
            )
        change = self._unfinished_change(step, kept_texts)
        if change.script is None:
            raise HistoryError(f"{step.name} has no file here, and its text was not kept", names=(step.name,))
        resumption, told = resumption_of(change.script, progress, done, step.name, doubt)
        first = tuple(f"before that: {left.remedy}" for left in progress.left if resumption.ends(left))
        return Task(
            step.name, replace(change, resumption=resumption), (f"{step.name} {told}", *first), State.UNFINISHED
        )

    def _unfinished_change(self, step: Step, kept_texts: KeptTexts) -> Change:
        if step.direction is Direction.BACK:
            return self.back(step, kept_texts).change
        if step.migration is not None:
            undo = self._undo(step.migration)
            script = self._script(step.migration.source, rollback=False)
            return replace(_record(Action.MIGRATE, step.migration, undo), script=script)
        checksum = step.applied.checksum if step.applied else ""
        undo_checksum = step.applied.rollback_checksum if step.applied else None
        text = kept_texts([checksum]).get(checksum)
        if text is None:
            return Change(Action.MIGRATE, step.name)
        script = self._script(Source.held(f"{step.name}.sql (kept)", text, checksum), rollback=False)
        return Change(Action.MIGRATE, step.name, script, checksum=checksum, rollback_checksum=undo_checksum)

    def stopped_at(self, standing: Standing, kept_texts: KeptTexts) -> str | None:
        """Return where an unfinished migration stopped, and how that statement begins; None where that is not known."""
        row = standing.applied
        if row is None or row.progress is None:
            return None
        went_back = row.action is Action.ROLLBACK
        step = Step(Direction.BACK if went_back else Direction.FORWARD, standing.name, standing.migration, row)
        try:
            script = self._unfinished_change(step, kept_texts).script
            return None if script is None else place_of(script, row.progress.at)
        except MigrationManagerError:  # the file is gone, or is broken by now
            return None

    def checksums(self, migration: Migration) -> tuple[str, str | None]:
        """Return the checksums of a migration's file and of its rollback script; None where it has none."""
        undo = self._undo(migration)
        return migration.source.checksum, undo.source.checksum if undo else None

    def books(self, step: Step, action: Action, reason: str | None) -> Change:
        """Return the change that records a migration's present texts without running anything."""
        migration = _on_disk(step)
        return replace(_record(action, migration, self._undo(migration)), reason=reason)

    # ------------------------------------------------------------------------------------- verify

    def differences(self, state: Survey, kept_texts: KeptTexts) -> tuple[Difference, ...]:
        """Return how applied files differ from what was applied, in file order."""
        pairs = [
            (standing, which, then, now)
            for standing in state.standings
            if standing.applied is not None and standing.migration is not None
            for which, then, now in self._compared(standing)
            if then is not None and then != now.checksum
        ]
        texts = kept_texts([then for _, _, then, _ in pairs])
        return tuple(
            self._difference(standing.name, which, texts.get(then), now) for standing, which, then, now in pairs
        )

    def _compared(self, standing: Standing) -> list[tuple[str, str | None, Source]]:
        if standing.migration is None or standing.applied is None:
            return []
        found: list[tuple[str, str | None, Source]] = [
            ("migration", standing.applied.checksum, standing.migration.source)
        ]
        if standing.migration.rollback_path is not None:
            undo = self._read(standing.migration.rollback_path)
            found.append(("rollback script", standing.applied.rollback_checksum, undo))
        return found

    def _difference(self, name: str, which: str, then: str | None, now: Source) -> Difference:
        if then is None or now.size > _COMPARED:
            return Difference(name, now.path, which, None, cosmetic=False)
        cosmetic = without_comments(then, self._dialect) == without_comments(now.text, self._dialect)
        return Difference(name, now.path, which, tuple(_diff(then, now.text, now.path)), cosmetic)

    # ------------------------------------------------------------------------------------ reading

    def _script(self, source: Source, *, rollback: bool) -> Script:
        key = (source.path, rollback)
        if key not in self._parsed or self._parsed[key].source != source:
            self._parsed[key] = parse(source, self._dialect, rollback=rollback, on_read=self._on_read)
        return self._parsed[key]

    def _read(self, path: Path) -> Source:
        return read_source(path, self.shown(path))

    def _undo(self, migration: Migration) -> Script | None:
        if migration.rollback_path is None:
            return None
        return self._script(self._read(migration.rollback_path), rollback=True)

    def _kept_undo(self, step: Step, kept_texts: KeptTexts) -> Source | None:
        checksum = step.applied.rollback_checksum if step.applied else None
        if checksum is None:
            return None
        text = kept_texts([checksum]).get(checksum)
        return None if text is None else Source.held(f"{step.name}_rollback.sql (kept)", text, checksum)

    def _refuse_irreversible(self, step: Step, kept_texts: KeptTexts) -> None:
        source = step.migration.source if step.migration else None
        if source is None and step.applied is not None:
            text = kept_texts([step.applied.checksum]).get(step.applied.checksum)
            source = None if text is None else Source.held(f"{step.name}.sql (kept)", text, step.applied.checksum)
        reason = self._script(source, rollback=False).directives.irreversible if source else None
        if reason is not None:
            raise GuardRefused(
                f"{step.name} says that it is irreversible: {reason}",
                hint="restore a backup, or write a new migration that repairs what is wrong",
                state="nothing was changed",
            )


def _record(action: Action, migration: Migration, undo: Script | None) -> Change:
    """Return the change that writes a migration's history row and keeps its texts; it runs nothing yet."""
    return Change(
        action,
        migration.name,
        checksum=migration.source.checksum,
        rollback_checksum=undo.source.checksum if undo else None,
        texts=(migration.source,) if undo is None else (migration.source, undo.source),
    )


def _on_disk(step: Step) -> Migration:
    if step.migration is None:
        raise HistoryError(f"{step.name} has no file here", names=(step.name,))
    return step.migration


def _undoes(script: Script) -> bool:
    """Return whether a rollback script does anything: without a statement it counts as missing, unless it says why."""
    return bool(script.statement_count) or script.directives.nothing_to_undo is not None


def _no_rollback(step: Step, script: Script | None) -> NoRollbackScript:
    if script is not None:
        reason = "has no statement, which counts as missing"
    elif step.applied is not None and step.applied.rollback_checksum is not None:
        reason = "is gone here, and was too long to be kept when it was applied (over 1 MiB)"
    else:
        reason = "does not exist, and there was none when it was applied"
    return NoRollbackScript(
        f"the rollback script of {step.name} {reason}",
        path=script.source.path if script else f"{step.name}{ROLLBACK}{ENDING}",
        hint="nothing was changed; write the script, or `-- migrate: nothing-to-undo because …` in it",
    )


def _diff(then: str, now: str, path: str) -> list[str]:
    return list(difflib.unified_diff(then.splitlines(), now.splitlines(), "as applied", path, lineterm="", n=2))
