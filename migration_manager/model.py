"""The values that travel between reading, deciding, doing and showing.

Frozen values and enumerations only: no SQL, no text for people, no I/O but what a `Source` is given to read itself by.
Imports nothing of the package.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol, Self

# --------------------------------------------------------------------------------------------- files


class Dialect(enum.Enum):
    """The SQL whose lexical rules a file follows."""

    POSTGRESQL = "postgresql"
    SQLITE = "sqlite"


class Control(enum.Enum):
    """How a statement controls transactions, where it does."""

    BEGIN = "begin"
    COMMIT = "commit"
    ROLLBACK = "rollback"
    PREPARE = "prepare transaction"
    SAVEPOINT = "savepoint"  # SAVEPOINT, RELEASE, ROLLBACK TO: harmless inside our transaction


class Statement(NamedTuple):
    """One top-level statement of a text; offsets are 0-based characters into that text.

    `end` is just past the terminating semicolon, or past the last character of the statement when a text
    ends without one. `text[start:end]` never starts with white space or a comment.
    """

    start: int
    end: int
    words: tuple[str, ...]  # leading words in upper case, at most six: ("CREATE", "UNIQUE", "INDEX", ...)
    control: Control | None = None
    plain_control: bool = False  # BEGIN / COMMIT with no option, which a runner may neutralise
    takes_rows: bool = False  # COPY ... FROM stdin, whose rows follow it
    backslashes: bool = False  # a backslash escapes in its strings: standard_conforming_strings is off


class Reader(Protocol):
    """What `Source.read` is."""

    def __call__(self, *, verify: bool = False) -> Iterable[str]: ...


@dataclass(frozen=True, slots=True)
class Held:
    """The reader of a text that is here already."""

    text: str

    def __call__(self, *, verify: bool = False) -> Iterable[str]:
        return (self.text,)


@dataclass(frozen=True, slots=True)
class Source:
    """One SQL file as it is sent: no BOM, line ends LF; carriage returns only where they are not how lines end.

    `read` gives its text in chunks, from the beginning and as often as it is called. A long file is read from its place
    each time, and raises `FileError` when it has been written to since; asked to verify, also at its end when what it
    gave is not what `checksum` says.
    """

    path: str  # as people should see it
    checksum: str  # "v1:" and 64 hexadecimal digits of SHA-256
    size: int  # bytes of the text in UTF-8
    read: Reader = field(repr=False, compare=False)

    @classmethod
    def held(cls, path: str, text: str, checksum: str) -> Self:
        """Return a source whose text is here already."""
        return cls(path, checksum, len(text.encode()), Held(text))

    @property
    def text(self) -> str:
        """The whole text: for one that is known to be short enough to hold."""
        return "".join(self.read())


class Acceptance(NamedTuple):
    """What a file's header says about one finding: that it is known, and why it is right so.

    `what` is the finding's rule, or its subject.
    """

    what: str
    reason: str
    line: int


@dataclass(frozen=True, slots=True)
class Directives:
    """What a file's header asks of the runner. Times are milliseconds; None means the environment's value."""

    no_transaction: bool = False
    lock_timeout: int | None = None
    statement_timeout: int | None = None
    environments: tuple[str, ...] | None = None
    irreversible: str | None = None  # the reason
    nothing_to_undo: str | None = None  # the reason; only in a rollback script
    accepted: tuple[Acceptance, ...] = ()  # findings


class Batch(NamedTuple):
    """A stretch of a script that goes to the database at once: whole statements, of which only the last takes rows.

    Offsets are 0-based characters into the source's text, lines are counted from 1. `blanks` is what is written in the
    stretch and not sent: an outermost BEGIN or COMMIT, the restrict lines of pg_dump.
    """

    start: int
    end: int
    line: int
    statement_count: int
    backslashes: bool = False  # a backslash escapes in its strings
    rows: tuple[int, int] | None = None  # where the rows of its last statement are
    blanks: tuple[tuple[int, int], ...] = ()


class Loss(NamedTuple):
    """Data that a script takes away: `what` in the words of the statement that begins on the line, as DROP TABLE t."""

    line: int
    what: str


@dataclass(frozen=True, slots=True)
class Script:
    """A source with what its lexer and header said; made only for files that are going to run or be shown.

    `losses` are the first of what it loses as far as its text shows it, in order; `loss_count` is how many in all.
    """

    source: Source
    dialect: Dialect
    directives: Directives
    batches: tuple[Batch, ...]  # those that hold a statement, in order
    losses: tuple[Loss, ...] = ()
    loss_count: int = 0

    @property
    def statement_count(self) -> int:
        """How many statements run."""
        return sum(batch.statement_count for batch in self.batches)


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration on disk: the forward file and, where there is one, the path of its rollback script."""

    name: str
    source: Source
    rollback_path: Path | None


# ------------------------------------------------------------------------------------------- history


class State(enum.Enum):
    """The state of a row of the history."""

    APPLIED = "applied"
    UNFINISHED = "unfinished"


class Action(enum.Enum):
    """What a log row says was done."""

    MIGRATE = "migrate"
    ROLLBACK = "rollback"
    BASELINE = "baseline"
    FORGET = "forget"
    REPAIR = "repair"
    RESUME = "resume"  # an unfinished script went on, or a person finished it by hand
    STAMP = "stamp"  # the environment's name was written into the database
    RUN = "run"  # a run began; shown where nothing else is known of it


class Outcome(enum.Enum):
    """How a logged action ended."""

    DONE = "done"
    FAILED = "failed"
    STARTED = "started"  # a no-transaction migration's intent


class Attempt(enum.Enum):
    """What is known of the newest statement of an unfinished script."""

    STARTED = "started"  # it may have run or not: nobody was there to see
    DONE = "done"
    FAILED = "failed"


class Left(enum.Enum):
    """What a statement that did not come to its end leaves behind."""

    INVALID_INDEX = "invalid index"
    PENDING_DETACH = "partition whose detaching is not finished"
    NOT_VALID = "constraint that is not validated"


class Leftover(NamedTuple):
    """One thing that was left behind: its name and its table's as SQL, and the statement that ends that state."""

    kind: Left
    name: str
    table: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an unfinished script came. Statements are counted from 1; `total` is None where it is not known.

    `at` is the one it stopped at: `attempt` says what is known of it, DONE that it was not begun. `left` is what was
    not there before the script, `checksum` that of the newest statement something is noted of. `was_taken` says that
    something had the name of what that one makes before it began.
    """

    done: int
    total: int | None
    at: int
    attempt: Attempt
    left: tuple[Leftover, ...] = ()
    checksum: str | None = field(default=None, compare=False)
    was_taken: bool = field(default=False, compare=False)

    @property
    def in_words(self) -> str:
        """The same for people: "statement 3 of 5 unknown"."""
        of = f"of {self.total}" if self.total is not None else ""
        if self.attempt is Attempt.DONE:
            return " ".join(f"{self.done} {of} statements done".split())
        word = "unknown" if self.attempt is Attempt.STARTED else "failed"
        return " ".join(f"statement {self.at} {of} {word}".split())


class Touched(NamedTuple):
    """A relation that a step changed or locked against changes. A dropped one has no name, a SQLite one no number."""

    oid: int | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Applied:
    """One row of the history. Times are UTC; `log_id` orders rows by when they were applied.

    `action` is what the row's last log row says was done. `touched` is None where that is not known.
    """

    name: str
    checksum: str
    rollback_checksum: str | None
    state: State
    applied_at: datetime
    applied_by: str
    execution_ms: int
    run_id: str
    log_id: int
    action: Action | None = None
    touched: tuple[Touched, ...] | None = None
    progress: Progress | None = None  # of an unfinished one

    @property
    def baselined(self) -> bool:
        """Whether it was recorded without having been run."""
        return self.action is Action.BASELINE


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that migrated: when, by whom. `count` is how many migrations it applied, those undone since included."""

    id: str
    at: datetime  # UTC
    by: str
    count: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """Everything a database says about its migrations: what `Engine.recorded` answers.

    Where the tables do not exist `exists` is false, `applied` is empty and `environment` is None.
    """

    exists: bool
    environment: str | None  # the stamped identity
    applied: tuple[Applied, ...]  # in the order they were applied
    last_run: PastRun | None = None  # the newest run that began to migrate, whatever became of it


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row of the log."""

    id: int
    at: datetime
    name: str | None
    action: Action
    outcome: Outcome
    environment: str | None
    run_id: str
    execution_ms: int | None
    database_user: str
    os_user: str | None
    host: str | None
    tool_version: str | None
    git_commit: str | None
    ci_run: str | None
    sqlstate: str | None
    error: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Run:
    """One invocation that changes something, and who makes it; every log row it writes carries this."""

    id: str
    environment: str
    os_user: str | None = None
    host: str | None = None
    tool_version: str | None = None
    git_commit: str | None = None
    ci_run: str | None = None


# ---------------------------------------------------------------------------------------------- plan


class Status(enum.Enum):
    """What files and history together say about one migration."""

    APPLIED = "applied"
    PENDING = "pending"
    CHANGED = "changed"  # applied, and the file is another one now
    MISSING = "missing"  # applied, and the file is gone
    AHEAD = "ahead"  # applied, not on disk, and newer than every file here: the database is ahead of this checkout
    UNFINISHED = "unfinished"  # a no-transaction migration that stopped half-way
    ELSEWHERE = "elsewhere"  # not applied, and its header names other environments


class Direction(enum.Enum):
    """The way a step goes."""

    FORWARD = "migrate"
    BACK = "rollback"


class OutOfOrder(enum.Enum):
    """What to do with a pending migration that sorts before an applied one."""

    REFUSE = "refuse"
    WARN = "warn"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class Standing:
    """One migration's standing. `migration` is None when there is no file, `applied` when there is no row."""

    name: str
    status: Status
    migration: Migration | None
    applied: Applied | None
    out_of_order: bool = False  # pending, and sorts before something applied


@dataclass(frozen=True, slots=True)
class Survey:
    """Every migration known to the folder or to the history, in file order."""

    standings: tuple[Standing, ...]

    def having(self, *statuses: Status) -> tuple[Standing, ...]:
        """Return the standings with one of the statuses, in file order; empty when there are none."""
        return tuple(s for s in self.standings if s.status in statuses)

    @property
    def pending(self) -> tuple[Standing, ...]:
        return self.having(Status.PENDING)

    @property
    def out_of_order(self) -> tuple[Standing, ...]:
        return tuple(s for s in self.standings if s.out_of_order)

    @property
    def in_applied_order(self) -> tuple[Standing, ...]:
        """Return everything that has a history row, oldest application first."""
        rows = [s for s in self.standings if s.applied is not None]
        return tuple(sorted(rows, key=lambda s: (s.applied.log_id if s.applied else 0, s.name)))


@dataclass(frozen=True, slots=True)
class Step:
    """One migration to take forward or back."""

    direction: Direction
    name: str
    migration: Migration | None
    applied: Applied | None


class Entangled(NamedTuple):
    """A migration that stays applied and touched the same tables as an earlier one that is rolled back."""

    name: str
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The decision: which migrations, in which order, and what a person should know about it.

    `later` names the applied migrations that came after one that is rolled back and stay applied; of these, `entangled`
    touched the same tables, and of `unclear` that is not known. `left` names the pending ones that stay pending.
    `of_run` is the run that is undone, where a run was asked for. `saved_in` is the file of a saved plan, where this is
    one, and `done_by` are the runs that carried it out, where nothing is left of it.
    """

    steps: tuple[Step, ...]
    warnings: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    entangled: tuple[Entangled, ...] = ()
    unclear: tuple[str, ...] = ()
    of_run: PastRun | None = None
    saved_in: str | None = None
    done_by: tuple[str, ...] = ()


# ------------------------------------------------------------------------------------------- finding


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a person should look at before a file runs: of `lint`, of a rehearsal or of a proof.

    `rule` is its kind by name, `subject` what it is about: an object with its kind before it; None where
    the rule says all. `line` is None for what the file as a whole is. `accepted` is the reason a header gives.
    """

    rule: str
    message: str
    path: str
    line: int | None = None
    column: int | None = None  # from 1
    subject: str | None = None
    advice: str | None = None
    accepted: str | None = None

    def answered(self, acceptances: Iterable[Acceptance]) -> Finding:
        """Return it with the reason of the first acceptance that means it, where one does."""
        for acceptance in acceptances:
            if acceptance.what in (self.rule, self.subject):
                return replace(self, accepted=acceptance.reason)
        return self


# ------------------------------------------------------------------------------------------- outcome


@dataclass(frozen=True, slots=True)
class Resumption:
    """How an unfinished script goes on: `skip` statements are kept already.

    `taken` is the checksum of the last of them where only a person says that it ran. `took_effect` are the SQLSTATEs by
    which the next one, which may have run, says that it did. With `finish_detaching` that one began to detach a
    partition, which is brought to its end first.
    """

    skip: int
    took_effect: tuple[str, ...] = ()
    taken: str | None = None
    finish_detaching: bool = False

    def ends(self, left: Leftover) -> bool:
        """Return whether something that was left behind is taken away, or brought to its end, before it goes on."""
        return left.kind is Left.INVALID_INDEX or (left.kind is Left.PENDING_DETACH and self.finish_detaching)


@dataclass(frozen=True, slots=True)
class Change:
    """What one step does to a database: run a script (or none) and keep the books, together.

    `action` says what happens to the history row: MIGRATE and BASELINE write it, ROLLBACK and FORGET delete it,
    REPAIR writes the new checksums, RESUME calls an unfinished one applied. `texts` are kept once per checksum, for the
    rollbacks and diffs of later.
    """

    action: Action
    name: str
    script: Script | None = None
    checksum: str | None = None
    rollback_checksum: str | None = None
    texts: tuple[Source, ...] = ()
    reason: str | None = None
    resumption: Resumption | None = None

    @property
    def logged_as(self) -> Action:
        """What the log says was done."""
        return self.action if self.resumption is None else Action.RESUME


@dataclass(frozen=True, slots=True)
class Done:
    """What the engine answers when a change is committed; `rows` is how many its SELECTs returned, to nobody."""

    execution_ms: int
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """A change that is ready to be done: its scripts are read, its header is understood.

    `warnings` is what a person should know before it runs. `was` is the state of its history row until then; None where
    it has none.
    """

    name: str
    change: Change
    warnings: tuple[str, ...] = ()
    was: State | None = None

    @property
    def outside_transaction(self) -> bool:
        return self.change.script is not None and self.change.script.directives.no_transaction


@dataclass(frozen=True, slots=True)
class TaskResult:
    """A task that succeeded: it is committed and recorded."""

    name: str
    action: Action
    execution_ms: int
    rows: int = 0  # that its SELECTs returned; they are counted and not kept
    tries: int = 1


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run changed: the finished tasks in order, and the names that were planned and not reached.

    Nothing to do is a report with neither. `plan` is the last that was made; None in the report of a failure.
    """

    run_id: str
    finished: tuple[TaskResult, ...] = ()
    not_reached: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    left: tuple[str, ...] = ()  # pending, and not asked for
    plan: Plan | None = None

    @property
    def undone_by(self) -> str:
        """The id of the run to roll back to undo this one: what was resumed belongs to the run that began it."""
        begun = [step.applied.run_id for step in self.plan.steps if step.applied] if self.plan else []
        return begun[0] if begun else self.run_id


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would do, made without writing anything."""

    plan: Plan
    tasks: tuple[Task, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        return (*self.plan.warnings, *(text for task in self.tasks for text in task.warnings))


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What `status` shows.

    `notes` has something about migrations that deserve it, by name: a word, and what is told below it. `running` is who
    is at it, where something is pending or unfinished; None where nobody is.
    """

    environment: str
    identity: Identity
    recorded: Recorded
    survey: Survey
    notes: dict[str, tuple[str, ...]]
    warnings: tuple[str, ...] = ()
    running: LockHolder | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Which database this is, in the server's own words; carries no secret."""

    engine: str  # "PostgreSQL", "SQLite"
    version: str  # "18.4"
    server: str  # "db.internal:5432", "embedded", a file's path
    database: str
    user: str  # the login
    role: str  # the user statements run as
    read_only: bool = False  # a standby, or a file that may not be written


def major_of(version: str) -> str:
    """Return the number before the first dot of a server's version; nothing where that is not known yet."""
    major = version.split(".", maxsplit=1)[0]
    return major if major.isdigit() else ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do; the core asks these instead of asking which engine it is."""

    dialect: Dialect
    outside_transaction: bool = True  # a script may run over several transactions of one session
    sees_sessions: bool = True  # `activity` tells who blocks whom; else only the holder of our lock is known


@dataclass(frozen=True, slots=True)
class LockHolder:
    """Who holds the lock we wait for; fields the server does not tell us are None."""

    pid: int | None
    user: str | None
    application: str | None
    host: str | None
    since: datetime | None


@dataclass(frozen=True, slots=True)
class ServerSession:
    """A session of the database server as others see it; what the server does not tell us is None.

    A prepared transaction has no process: it has a `gid` instead of a `pid`. Ages are seconds by the server's clock.
    """

    pid: int | None
    gid: str | None = None
    user: str | None = None
    application: str | None = None
    host: str | None = None
    database: str | None = None
    kind: str | None = None  # "client backend", "autovacuum worker", …
    state: str | None = None  # "active", "idle in transaction", …
    state_age: float | None = None
    transaction_age: float | None = None
    query: str | None = None  # the one that runs, or ran last; may be cut
    started: str | None = None  # as the server writes it: tells it from a later one with the same pid
    waits_for: tuple[int, ...] = ()  # pids; 0 is a prepared transaction
    holds: tuple[str, ...] = ()  # relations it has locked, where that was asked
    hidden: bool = False  # the server keeps from us what it is doing


@dataclass(frozen=True, slots=True)
class LockWait:
    """What a session waits for, who is in its way, and how many queue behind it.

    `blockers` begins with the nearest; behind those that wait themselves stand the ones they wait for.
    """

    pid: int
    kind: str  # of lock: "relation", "transactionid", "tuple", "virtualxid", "advisory", …
    on: str | None = None  # the relation, where it is a relation's
    mode: str | None = None  # "AccessExclusiveLock"
    seconds: float | None = None
    blockers: tuple[ServerSession, ...] = ()
    queued: int = 0


@dataclass(frozen=True, slots=True)
class Waiter:
    """A session, and what it waits for, where it waits."""

    session: ServerSession
    wait: LockWait | None


@dataclass(frozen=True, slots=True)
class Activity:
    """Who blocks whom in a database.

    `runners` hold the lock of its history; `waiters` are the others that wait for a lock; `oldest` are open
    transactions that have locked a table, the oldest first.
    """

    runners: tuple[Waiter, ...] = ()
    waiters: tuple[Waiter, ...] = ()
    oldest: tuple[ServerSession, ...] = ()

    @property
    def sessions(self) -> tuple[ServerSession, ...]:
        """Everybody who appears, some perhaps more than once."""
        waiters = (*self.runners, *self.waiters)
        blockers = (blocker for waiter in waiters if waiter.wait for blocker in waiter.wait.blockers)
        return (*(waiter.session for waiter in waiters), *blockers, *self.oldest)

    @property
    def is_hidden(self) -> bool:
        """Whether the server keeps from us what some of them do."""
        return any(session.hidden for session in self.sessions)


@dataclass(frozen=True, slots=True)
class ServerProgress:
    """How far the server is with a long statement; `done` of `total`, which is never 0, in this phase."""

    what: str  # "index", "copy", "vacuum", "cluster", "analyze"
    phase: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a look at our own session showed while an answer was waited for, so many seconds after it was asked."""

    seconds: float
    wait: LockWait | None = None
    progress: ServerProgress | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A message the server sent; `path` and `line` say which statement of a script raised it, where one did."""

    severity: str
    text: str
    path: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """How an applied migration's file differs from the text that was applied; `lines` is a unified diff.

    `lines` is None when one of the two is too long to be compared, or was not kept. `cosmetic` says that only comments
    and blank space differ.
    """

    name: str
    path: str
    which: str  # "migration" or "rollback script"
    lines: tuple[str, ...] | None
    cosmetic: bool


def names(items: Sequence[Standing] | Sequence[Step] | Sequence[Task] | Sequence[TaskResult]) -> tuple[str, ...]:
    """Return the names of the items, in order."""
    return tuple(item.name for item in items)
