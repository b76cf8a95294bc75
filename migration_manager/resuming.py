"""Where an unfinished script goes on.

The statements that are kept must be those of the file, and what nobody saw is told. Reads the script; does nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from itertools import islice
from typing import Final

from migration_manager.errors import HistoryError, Unfinished
from migration_manager.messages import Message, digest_of, one_by_one, statements_of
from migration_manager.model import Attempt, Left, Progress, Resumption, Script, Statement
from migration_manager.sqltext import refuses_transaction

_SHOWN: Final = 60  # characters of a statement that name it
# How a statement says that its effect is there already, by its first word (manual, appendix A).
_THERE_ALREADY: Final = ("42P04", "42P07", "42710")  # duplicate database, relation, object
_GONE_ALREADY: Final = ("3D000", "42P01", "42704")  # no such database, relation, object
_DETACHED_ALREADY: Final = ("42P01",)  # it is not a partition


class Doubt(enum.Enum):
    """What a person says of the statement that a script stopped at."""

    ASK = "ask"
    AGAIN = "again"  # it has not run, or may run twice
    SKIP = "skip"  # it has run


def resumption_of(
    script: Script, progress: Progress, done: Sequence[str], name: str, doubt: Doubt
) -> tuple[Resumption, str]:
    """Return how a script goes on, and a word about it for people.

    `done` are the checksums of the statements that are kept. Raises `HistoryError` when they are not those of the file,
    when that runs in a transaction now, and when a person takes for done what is seen to be half done; `Unfinished`
    when the next statement may have run, and neither the database nor a person can tell.
    """
    if not script.directives.no_transaction:
        raise HistoryError(
            f"{name} began outside a transaction, and {script.source.path} has no `-- migrate: no-transaction` now",
            names=(name,),
            hint="put the line back; or finish it by hand and say `resume --mark-applied`",
        )
    at = _next_after(script, done, name)
    if at is None:
        return Resumption(len(done)), "every statement is done; only the record is finished"
    skip, digest = len(done), digest_of(at)
    is_same = progress.checksum in (None, digest)  # as the one something is noted of
    shown = f"{script.source.path}:{at.batch.line}: {_beginning(at)}"
    if doubt is Doubt.SKIP:
        if is_same:
            _refuse_half_done(progress, name, skip + 1)
        return Resumption(skip + 1, taken=digest), f"takes statement {skip + 1} for done, {shown}"
    where = f"goes on at statement {skip + 1} of {script.statement_count}, {shown}"
    statement = next(iter(statements_of(at, script.dialect)), None)
    is_refused = statement is not None and refuses_transaction(at.text, statement, script.dialect)
    if is_same and is_refused and any(left.kind is Left.PENDING_DETACH for left in progress.left):
        return Resumption(skip, _DETACHED_ALREADY, finish_detaching=True), where
    if progress.attempt is not Attempt.STARTED or doubt is Doubt.AGAIN:
        return Resumption(skip), where
    if not is_same or statement is None or not is_refused or _made_without_a_name(progress, statement):
        raise Unfinished(
            f"statement {skip + 1} of {name} may have run or not, and only a person can tell: {shown}",
            names=(name,),
            hint="look; then `resume --again` runs it once more, and `resume --skip` takes it for done",
        )
    where += "; whether it ran is not known: it is run again, and says so if it did"
    return Resumption(skip, _took_effect(progress, statement)), where


def _next_after(script: Script, done: Sequence[str], name: str) -> Message | None:
    """Return the statement after those that are kept; None when they are all. Raises `HistoryError`."""
    found = 0
    for number, message in enumerate(one_by_one(script), start=1):
        if number > len(done):
            return message
        if digest_of(message) != done[number - 1]:
            place = f"{script.source.path}:{message.batch.line}"
            raise HistoryError(
                f"statement {number} of {name} is kept in the database and is another one in the file now ({place})",
                names=(name,),
                hint="put it back as it was, and change only what has not run; or finish it by hand and say"
                " `resume --mark-applied`",
            )
        found = number
    if found < len(done):
        raise HistoryError(
            f"{len(done)} statements of {name} are kept in the database, and the file has only {found} now",
            names=(name,),
        )
    return None


def _refuse_half_done(progress: Progress, name: str, number: int) -> None:
    for left in progress.left:
        if left.kind is not Left.NOT_VALID:
            raise HistoryError(
                f"statement {number} of {name} left something half done: {left.kind.value} {left.name} on {left.table}",
                names=(name,),
                hint=f"`resume` goes on with it; or first end that by hand: {left.remedy}",
            )


def place_of(script: Script, number: int) -> str | None:
    """Return where the statement of a number, from 1, is and how it begins; None where there is no such statement."""
    message = next(islice(one_by_one(script), number - 1, None), None)
    return None if message is None else f"{script.source.path}:{message.batch.line}: {_beginning(message)}"


def _took_effect(progress: Progress, statement: Statement) -> tuple[str, ...]:
    """Return the SQLSTATEs by which a statement in doubt says that it ran; none where they would prove nothing."""
    first = statement.words[0] if statement.words else ""
    if first == "CREATE" and progress.was_taken:  # what is there is not what it made, perhaps
        return ()
    return {"CREATE": _THERE_ALREADY, "DROP": _GONE_ALREADY}.get(first, ())


def _made_without_a_name(progress: Progress, statement: Statement) -> bool:
    """Return whether a statement makes an index that the database names, and one more when it runs twice.

    Where it left an invalid one behind, it did not come to its end.
    """
    words = [word for word in statement.words if word not in ("UNIQUE", "CONCURRENTLY")]
    is_seen = any(left.kind is Left.INVALID_INDEX for left in progress.left)
    return words[:3] == ["CREATE", "INDEX", "ON"] and not is_seen


def _beginning(message: Message) -> str:
    line = " ".join(message.text[: 4 * _SHOWN].split()).removesuffix(";")
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
