"""What a proof of a rollback comes to: from what was tried and seen to a verdict with its findings. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from migration_manager.catalog import Difference, How
from migration_manager.model import Acceptance, Finding
from migration_manager.rows import RowsLost


class Verdict(enum.Enum):
    """What a proof says of one migration and its rollback script; the value says it in words."""

    RESTORED = "restored"
    ORDER = "column order only"
    NAMES = "constraint names only"
    DIFFERS = "differs"
    ROWS = "rows differ"
    FAILS = "rollback fails"
    NO_STATEMENT = "no statement"
    NO_SCRIPT = "no rollback"
    IRREVERSIBLE = "irreversible"
    AGAIN_FAILS = "up again fails"
    AGAIN_DIFFERS = "up again differs"
    UP_FAILS = "migration fails"


# How a header accepts a finding of a proof.
RULES = {
    "differs": "an object is not as it was before the migration",
    "column-order": "the columns of a table stand in another order than before",
    "constraint-names": "a constraint has another name than before",
    "rows": "rows that were there before the migration are not, or not as they were",
    "rollback-fails": "the rollback script fails",
    "no-rollback": "there is no rollback script, or none with a statement",
    "up-again-fails": "the migration fails after its rollback",
    "up-again-differs": "the migration, after its rollback, does not make what it made at first",
    "migration-fails": "the migration fails, and nothing after it could be tried",
}
_RULE_OF = {How.ORDER: "column-order", How.RENAMED: "constraint-names"}


class Stage(enum.Enum):
    """Where a trial stopped."""

    UP = enum.auto()
    DOWN = enum.auto()
    AGAIN = enum.auto()


@dataclass(frozen=True, slots=True)
class Failure:
    """A script that failed, in the words of the database; the place is None where it gave none."""

    message: str
    path: str
    line: int | None = None
    column: int | None = None
    code: str | None = None

    @property
    def in_words(self) -> str:
        return f"{self.message}   ({self.code})" if self.code else self.message


@dataclass(frozen=True, slots=True)
class Trial:
    """What was tried with one migration, and seen.

    `down` is how the schema differs from before after the rollback, `again` from after the migration when it ran a
    second time; `rows` what the rollback did not give back. `declared` is the reason a header gives for having no way
    back, `missing` what there is instead of a rollback script.
    """

    name: str
    path: str
    rollback_path: str | None
    acceptances: tuple[Acceptance, ...] = ()
    declared: str | None = None
    missing: Verdict | None = None
    stopped: Stage | None = None
    failure: Failure | None = None
    down: tuple[Difference, ...] = ()
    again: tuple[Difference, ...] = ()
    rows: tuple[RowsLost, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Proof:
    """The verdict on one migration, and what a person should look at. `notes` are no findings."""

    name: str
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def open_findings(self) -> tuple[Finding, ...]:
        """Those that no header accepts."""
        return tuple(finding for finding in self.findings if finding.accepted is None)


def judge(trial: Trial) -> Proof:
    """Return the verdict on a trial, with every finding that it gave; accepted ones say by what reason."""
    found = tuple(finding.answered(trial.acceptances) for finding in _findings(trial))
    return Proof(trial.name, _verdict(trial), found, _notes(trial, found), trial.seconds)


def _verdict(trial: Trial) -> Verdict:
    if trial.stopped is Stage.UP:
        return Verdict.UP_FAILS
    if trial.declared is not None:
        return Verdict.IRREVERSIBLE
    if trial.missing is not None:
        return trial.missing
    if trial.stopped is Stage.DOWN:
        return Verdict.FAILS
    hows = {difference.how for difference in trial.down}
    if hows - {How.ORDER, How.RENAMED}:
        return Verdict.DIFFERS
    if trial.stopped is Stage.AGAIN:
        return Verdict.AGAIN_FAILS
    if trial.rows:
        return Verdict.ROWS
    if hows:
        return {frozenset({How.ORDER}): Verdict.ORDER, frozenset({How.RENAMED}): Verdict.NAMES}.get(
            frozenset(hows), Verdict.DIFFERS
        )
    return Verdict.AGAIN_DIFFERS if trial.again else Verdict.RESTORED


def _findings(trial: Trial) -> Iterable[Finding]:
    back = trial.rollback_path or trial.path
    failure = trial.failure
    if trial.stopped is Stage.UP and failure is not None:
        yield _of(failure, "migration-fails")
        return
    if trial.declared is not None:
        return
    if trial.missing is not None:
        yield Finding("no-rollback", _MISSING[trial.missing], back, advice=_ADVICE["no-rollback"])
        return
    if trial.stopped is Stage.DOWN and failure is not None:
        yield _of(failure, "rollback-fails")
        return
    for difference in trial.down:
        rule = _RULE_OF.get(difference.how, "differs")
        yield Finding(rule, difference.in_words(), back, subject=difference.subject, advice=_ADVICE.get(rule))
    for lost in trial.rows:
        yield Finding("rows", lost.what, back, subject=f"table {lost.table}", advice=_ADVICE["rows"])
    if trial.stopped is Stage.AGAIN and failure is not None:
        yield _of(failure, "up-again-fails")
    elif not trial.down:  # else it only repeats what the rollback left
        for difference in trial.again:
            yield Finding("up-again-differs", difference.in_words(), trial.path, subject=difference.subject)


def _of(failure: Failure, rule: str) -> Finding:
    return Finding(rule, failure.in_words, failure.path, failure.line, failure.column, advice=_ADVICE.get(rule))


def _notes(trial: Trial, found: Sequence[Finding]) -> tuple[str, ...]:
    """Return what is said beside the findings: acceptances that accept nothing any more among it."""
    subjects = {finding.rule for finding in found} | {finding.subject for finding in found}
    stale = (
        f"`accept {acceptance.what}` accepts nothing: take it out"
        for acceptance in trial.acceptances
        if acceptance.what in RULES.keys() - subjects
    )
    return (*trial.notes, *stale)


_MISSING = {
    Verdict.NO_STATEMENT: "the rollback script has no statement",
    Verdict.NO_SCRIPT: "there is no rollback script",
}
_ADVICE = {
    "no-rollback": "write it; or say `-- migrate: irreversible because …` in the migration,"
    " or `-- migrate: nothing-to-undo because …` in the rollback script",
    "column-order": "a column that is dropped and added again comes last; queries that name their columns cannot tell:"
    " `-- migrate: accept column-order because …`",
    "constraint-names": "give the constraint its name: ADD CONSTRAINT name …",
    "rows": "what is gone cannot be brought back by a script: keep a copy, or accept it with a reason",
    "up-again-fails": "the rollback leaves something that is in the way of the migration",
}
