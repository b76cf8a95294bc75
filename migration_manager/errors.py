"""The one tree of errors and the exit codes they end in.

Every class carries its facts as attributes and builds its sentence itself; `hint` says what to do next and `state` what
the database looks like now. Nothing here prints or exits: `cli` does, in one place.
"""

from __future__ import annotations

import difflib
import enum
from collections.abc import Iterable, Sequence

from migration_manager.interrupts import Stop
from migration_manager.model import LockHolder, LockWait, RunReport


class Exit(enum.IntEnum):
    """Exit codes of the command line; README and `--help` list them."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PENDING = 3
    DISAGREE = 4
    TRY_LATER = 5
    REFUSED = 6
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


class MigrationManagerError(Exception):
    """Root of everything this package raises on purpose."""

    exit_code: Exit = Exit.FAILED

    def __init__(self, message: str, *, hint: str | None = None, state: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.state = state
        self.report: RunReport | None = None  # of the run that failed, once it had begun
        self.index = 0  # which of the changes given to an engine failed
        self.kept: int | None = None  # statements that an unfinished no-transaction script keeps; None for another one
        self.in_doubt = False  # whether the one after those may be kept as well

    def __str__(self) -> str:
        return self.message


class UsageError(MigrationManagerError):
    """What was asked for makes no sense: an unknown name, options that contradict each other."""

    exit_code = Exit.USAGE


class UnknownName(UsageError):
    """No migration has this name."""

    def __init__(self, asked: str, known: Iterable[str]) -> None:
        self.asked = asked
        close = nearest(asked, known)
        super().__init__(
            f"no migration is called {asked!r}", hint=f"did you mean {close}?" if close else "`status` lists the names"
        )


class AmbiguousName(UsageError):
    """A shortened name fits several migrations."""

    def __init__(self, asked: str, candidates: Sequence[str]) -> None:
        self.asked = asked
        self.candidates = tuple(candidates)
        listed = "".join(f"\n  {name}" for name in candidates)
        super().__init__(
            f"{asked!r} fits {len(candidates)} migrations:{listed}", hint="write enough of the name to tell them apart"
        )


class ConfigError(MigrationManagerError):
    """The configuration is wrong; `problems` has every one that was found, in order."""

    exit_code = Exit.USAGE

    def __init__(self, message: str, *, hint: str | None = None, problems: Sequence[str] = ()) -> None:
        self.problems = tuple(problems) or (message,)
        super().__init__(message, hint=hint)


class FileError(MigrationManagerError):
    """A migration file or the folder is wrong. `line` and `column` are 1-based; None where there is no place."""

    exit_code = Exit.USAGE

    def __init__(
        self,
        message: str,
        *,
        path: str,
        line: int | None = None,
        column: int | None = None,
        excerpt: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.path = path
        self.line = line
        self.column = column
        self.excerpt = excerpt
        self.reason = message
        place = path if line is None else f"{path}:{line}" if column is None else f"{path}:{line}:{column}"
        super().__init__(f"{place}: {message}", hint=hint)


class DirectiveError(FileError):
    """A `-- migrate:` comment that is unknown, malformed or in the wrong place."""


class NeedsNoTransaction(FileError):
    """A statement that the database refuses inside a transaction stands in a file that is one."""


class NoRollbackScript(FileError):
    """A rollback was asked for and there is nothing to run: no file, or none with a statement."""


class FileErrors(MigrationManagerError):
    """Several files are wrong; they are reported together."""

    exit_code = Exit.USAGE

    def __init__(self, problems: Sequence[FileError]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


class HistoryError(MigrationManagerError):
    """Files and history disagree, or the history cannot be used."""

    exit_code = Exit.DISAGREE

    def __init__(self, message: str, *, names: Sequence[str] = (), hint: str | None = None) -> None:
        self.names = tuple(names)
        super().__init__(message, hint=hint)


class DriftFound(HistoryError):
    """The database is not what its migrations make; `differences` says how, each in one or more lines."""

    def __init__(self, message: str, differences: Sequence[str], *, hint: str, state: str) -> None:
        self.differences = tuple(differences)
        lines = [line for text in differences for line in text.split("\n")]
        super().__init__("\n  ".join([message, *lines]), hint=hint)
        self.state = state


class ForeignHistory(HistoryError):
    """A table of our name has another tool's columns. Nothing was written."""


class Unfinished(HistoryError):
    """A no-transaction migration stopped half-way, or another run is at it this very moment."""


class NotApplied(HistoryError):
    """A rollback of a migration that the history does not have."""


class TryLater(MigrationManagerError):
    """Nothing is wrong with the files; the database could not serve us now."""

    exit_code = Exit.TRY_LATER


class DatabaseUnreachable(TryLater):
    """No connection could be made, or it was lost."""


class ServerFull(DatabaseUnreachable):
    """The server answers and has no session free."""


class SessionEnded(DatabaseUnreachable):
    """The session had ended before anything of a change was begun; it can be taken up in another one."""


class OutcomeUnknown(DatabaseUnreachable):
    """The connection was lost while a transaction committed, and nobody could be asked what became of it."""


class DatabaseMissing(DatabaseUnreachable):
    """The server answers and has no database of that name."""


class LockNotAcquired(TryLater):
    """Another run holds the lock of this target."""

    def __init__(self, waited: float, holder: LockHolder | None) -> None:
        self.waited = waited
        self.holder = holder
        who = "another run" if holder is None else describe_holder(holder)
        super().__init__(
            f"the migration lock was not obtained in {waited:.1f} s: {who} holds it",
            hint="run again when it has finished; --lock-wait sets how long to wait",
        )


class GuardRefused(MigrationManagerError):
    """A guard said no: a protected environment, the environment's identity, out of order."""

    exit_code = Exit.REFUSED


class OutOfOrderRefused(GuardRefused):
    """Pending migrations sort before applied ones and the environment's policy refuses that."""

    def __init__(self, late: Sequence[str], newest: str) -> None:
        self.late = tuple(late)
        listed = "".join(f"\n  {name}" for name in late)
        super().__init__(
            f"pending migrations sort before {newest}, which is already applied:{listed}",
            hint="give the late pair a newer timestamp, or pass --out-of-order allow if their order does not matter",
            state="nothing was changed",
        )


class PlanRefused(GuardRefused):
    """A saved plan is not carried out: what it was made for is another thing now. `moved` names everything."""

    def __init__(self, path: str, moved: Sequence[str]) -> None:
        self.path = path
        self.moved = tuple(moved)
        listed = "".join(f"\n  {each}" for each in moved)
        super().__init__(
            f"the plan in {path} was made for something else than is here now:{listed}",
            hint="make it anew with `plan -o FILE`, and have it reviewed again",
            state="nothing was changed",
        )


class SqlFailed(MigrationManagerError):
    """The database refused a script: the seam's own type, which the runner turns into `MigrationFailed`.

    `offset` is a 0-based character offset into the script's text, None where the server gave none;
    `code` is the SQLSTATE, or SQLite's error name.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        detail: str | None = None,
        server_hint: str | None = None,
        context: str | None = None,
        offset: int | None = None,
        hint: str | None = None,
        kept: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.detail = detail
        self.server_hint = server_hint
        self.context = context
        self.offset = offset
        self.kept = kept
        self.wait: LockWait | None = None  # what was waited for when it was last looked at, where it was
        self.tries = 1


class AlreadyRecorded(MigrationManagerError):
    """Another run recorded this very migration between our plan and our write; nothing of ours was kept."""

    exit_code = Exit.TRY_LATER


class MigrationFailed(MigrationManagerError):
    """A migration or rollback script failed. `report` says what went in before it; `failed` names the step."""

    def __init__(
        self,
        failed: str,
        path: str,
        cause: SqlFailed,
        report: RunReport,
        *,
        line: int | None,
        column: int | None,
        excerpt: str | None,
        state: str,
        hint: str | None,
    ) -> None:
        self.failed = failed
        self.path = path
        self.cause = cause
        self.line = line
        self.column = column
        self.excerpt = excerpt
        place = path if line is None else f"{path}:{line}:{column}"
        super().__init__(f"{place} failed", hint=hint, state=state)
        self.report = report


class LocksNotObtained(MigrationFailed):
    """Others stood in the way of a script until the last try was over; nothing is wrong with it."""

    exit_code = Exit.TRY_LATER


class Interrupted(MigrationManagerError):
    """Ctrl-C, SIGTERM or SIGHUP: the running script was cancelled; `state` says what is kept."""

    def __init__(self, stop: Stop, *, state: str | None = None, hint: str | None = None) -> None:
        self.stop = stop
        super().__init__(stop.word, state=state, hint=hint)
        self.exit_code = Exit(stop.exit_code)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word most like `word`, or None when nothing is close."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return close[0] if close else None


def describe_holder(holder: LockHolder) -> str:
    """Say in a few words who holds a lock."""
    parts = [f"pid {holder.pid}" if holder.pid is not None else "a process"]
    about = [part for part in (holder.application, holder.user, holder.host) if part]
    if about:
        parts.append("(" + ", ".join(about) + ")")
    if holder.since is not None:
        parts.append(f"since {holder.since:%Y-%m-%d %H:%M:%S} UTC")
    return " ".join(parts)
