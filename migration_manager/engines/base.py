"""The seam to a database: the core decides, an engine obeys and answers.

An engine never orders, hashes, prompts, prints, or retries on its own, and reads no file but through `messages`. How to
add one: implement `Engine`, give it a line in `engines.open_engine`, run `tests/contract` against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from migration_manager.model import (
    Action,
    Activity,
    Capabilities,
    Change,
    Done,
    Identity,
    LockHolder,
    LogRow,
    Notice,
    Recorded,
    Run,
    Script,
    ServerSession,
    Sighting,
)

if TYPE_CHECKING:  # few commands have a use for these
    from migration_manager.catalog import Catalog
    from migration_manager.rehearsal import Observed, Size
    from migration_manager.rows import Rows

FORMAT = 1  # of the history tables; a database whose tables say more was written by a newer version
KEPT_TEXT_LIMIT = 1024 * 1024  # bytes of UTF-8; longer texts are noted and not kept
NOTHING_RECORDED = Recorded(exists=False, environment=None, applied=())  # where there is no history


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """What an environment asks of every session. Times are milliseconds, 0 is no limit, None the server's own value."""

    role: str | None = None
    lock_timeout: int | None = None
    statement_timeout: int | None = None
    history_schema: str | None = None  # None: the first schema of the search path
    history_table: str = "schema_migrations"
    application_name: str = "migration_manager"
    lock_queue_limit: int = 0  # sessions that may queue behind us before a transaction gives way; 0 is no limit
    show_queries: bool = True  # ask for the queries of those in the way as well


class Engine(Protocol):
    """One open session with one database. Use as a context manager; leaving it closes the session."""

    @property
    def capabilities(self) -> Capabilities:
        """What this engine can do. Does not ask the database."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def identify(self) -> Identity:
        """Return which database this is, as the server says. Does not write."""

    def recorded(self) -> Recorded:
        """Return the history and the stamped environment. Does not write, needs only SELECT.

        No tables answers `Recorded(False, None, ())`. Raises `ForeignHistory` when the history table has another
        tool's columns, `HistoryError` when a newer version of this tool wrote it.
        """

    def log(self, *, name: str | None = None, limit: int | None = None) -> tuple[LogRow, ...]:
        """Return log rows, newest first; empty when there are none or no table. Does not write.

        Raises as `recorded` does.
        """

    def done_statements(self, name: str) -> tuple[str, ...]:
        """Return the checksums (`messages.digest_of`) of the statements an unfinished script has behind it, in order.

        Empty when none is, or nothing is noted of it. Does not write.
        """

    def kept_texts(self, checksums: Sequence[str]) -> dict[str, str]:
        """Return the kept texts of these checksums; one that was never kept, or was too long, is left out."""

    def history_tables(self) -> tuple[tuple[str, str], ...]:
        """Return the history's tables, each as its schema and its name; empty where there are none. Does not write.

        Raises `HistoryError` as `recorded` does; another tool's table is none of ours.
        """

    def definitions(self, *, with_history: bool) -> tuple[str, ...] | None:
        """Return the statements that make everything in the database, in an order that can be run. Does not write.

        None where the database does not keep them, and a program has to write them.
        """

    def catalog(self) -> Catalog:
        """Return the schema of the database, without the tables of the history. Does not write.

        Raises `DatabaseMissing` where a PostgreSQL that would be made by `migrate` is not there yet.
        """

    def rehearser(self) -> Rehearser:
        """Return who watches scripts run in this session. Raises `ConfigError` for an engine that has nobody."""

    def exclusive(
        self, wait: float, on_wait: Callable[[LockHolder | None, float], None]
    ) -> AbstractContextManager[Recorded]:
        """Hold the target's lock, against every other process; yields what is recorded, read under the lock.

        Waits at most `wait` seconds, calling `on_wait(holder, seconds so far)` about once a second, then raises
        `LockNotAcquired`. The lock lives on the session that does the work and dies with it. Writes nothing
        to the database.
        """

    def lock_holder(self) -> LockHolder | None:
        """Return who holds the target's lock; None when nobody does. Takes no lock, does not write."""

    def activity(self) -> Activity:
        """Return who blocks whom in this database; empty where nobody does, and for an engine without sessions.

        Takes no lock and does not write.
        """

    def end_session(self, session: ServerSession) -> bool:
        """End a session that `activity` has shown, unless another one has its pid by now; return whether it has gone.

        Raises `ConfigError` when we may not.
        """

    def ensure_history(self, run: Run) -> None:
        """Create the tables where they are missing and stamp the run's environment where none is stamped.

        Safe when several processes do it at once. May write; writes nothing when all is there.
        """

    def log_start(self, run: Run, action: Action) -> None:
        """Append a row that says that this run has begun to do that, so that one that is killed leaves a trace."""

    def stamp(self, run: Run, reason: str | None) -> None:
        """Write the run's environment as the database's identity, whatever it was. Writes."""

    def transact(self, run: Run, changes: Sequence[Change]) -> tuple[Done, ...]:
        """Do all changes, scripts and books, in ONE transaction; answer when it is durably committed.

        Raises `SqlFailed` (its `index` tells which change), after rolling everything back, when a script is refused or
        ends the transaction itself; `FileError` when a script's file is no longer the one that was read;
        `AlreadyRecorded` when another run got there first; `LockNotAcquired` when another run holds the target's lock,
        which is possible where nothing but the transaction itself holds ours; `SessionEnded` when the session had ended
        before anything was begun. A connection that is lost while it commits is settled by looking: what was committed
        answers as if nothing had happened, what was not raises `DatabaseUnreachable` with that in its `state`, and
        `OutcomeUnknown` is raised when nobody could be asked in time. Settings a script made for its session never
        reach the next one. With a `lock_queue_limit` a try that holds up more than that is given up (55P03); what
        was waited for when it was last looked at is the error's `wait`. Tries nothing twice.
        """

    def run_outside_transaction(self, run: Run, change: Change) -> Done:
        """Run a no-transaction script statement by statement, each committed by itself.

        The history row is written first as unfinished (a rollback marks its row so) and finished (or deleted) at the
        end; what is known of each statement is noted before and after it. A change with a `resumption` goes on with a
        row that is unfinished, after what its last statement left behind is taken away. Raises `SqlFailed` with `kept`,
        the number of statements that succeeded; the row stays unfinished.
        """

    def log_failure(self, run: Run, change: Change, error: str, code: str | None, execution_ms: int) -> None:
        """Append a failed row to the log, in a transaction of its own. Best effort: never raises for the database."""


class Rehearser(Protocol):
    """The optional power to watch what each statement of a script does; what `rehearse` uses.

    What is told is told before the next statement runs. Locks and sizes are those of tables that `known` names, by
    number, as the environment calls them; None is all that are there when a transaction begins.
    """

    def relations(self) -> dict[int, str]:
        """Return the tables, views and materialized views of the database by number. Does not write."""

    def sizes(self) -> dict[str, Size]:
        """Return how large the tables of the database are by its statistics, by name. Waits for nobody's lock."""

    def undone(
        self, known: Mapping[int, str] | None, *, lock_timeout: int | None = None
    ) -> AbstractContextManager[Watching]:
        """Have one transaction for scripts that are watched, which is rolled back at the end; no script can end it.

        With a `lock_timeout`, in milliseconds, tables may be full and in use: no script waits longer for a lock, and
        the planner decides as it does there. Without one they are taken to be empty.
        """

    def outside(self, script: Script, known: Mapping[int, str], told: Callable[[Observed], None]) -> tuple[str, ...]:
        """Watch a no-transaction script run statement by statement, each committed; as `Watching.run` else."""


class Watching(Protocol):
    """A transaction for scripts that are watched."""

    def run(self, script: Script, told: Callable[[Observed], None]) -> tuple[str, ...]:
        """Run a script to its end, and return the indexes it left invalid. Raises `SqlFailed`."""


class Administration(Protocol):
    """The optional power over databases as such: what `db create` and `db drop` use. No open session is needed."""

    @property
    def database(self) -> str:
        """The database's name, as a person types it to confirm."""

    def exists(self) -> bool:
        """Return whether the database exists. Raises `DatabaseUnreachable` when the server cannot be asked."""

    def create(self) -> bool:
        """Create the database; False when it was there."""

    def drop(self) -> bool:
        """Drop the database with all it holds; False when there was none."""


NoticeHandler = Callable[[Notice], None]
# Told about twice a second while a statement takes long: what it waits for, and how far it is.
WaitHandler = Callable[[Sighting], None]
# Told while a script runs: the path of its source, how many bytes of statements and rows are done, and how many bytes
# the source has, with what stands between them.
AdvanceHandler = Callable[[str, int, int], None]


class Scratch(Protocol):
    """Throw-away databases of one server (or folder). Use as a context manager; leaving it drops nothing by itself."""

    @property
    def shown(self) -> str:
        """What it is, for people: "embedded PostgreSQL 18.4"."""

    @property
    def version(self) -> str:
        """The server's: "18.4"."""

    @property
    def owned(self) -> bool:
        """Whether the server is ours alone, so that roles may come and go."""

    def make(self, copy_of: str | None = None) -> str:
        """Make a database, empty or a copy of another one that nobody has open, and return its name."""

    def drop(self, database: str) -> None:
        """Drop a database that `make` made, under whoever has it open."""

    def fill(self, database: str, script: Script) -> None:
        """Run a script in a database that `make` made, in one transaction and without a history. Raises `SqlFailed`."""

    def open(
        self, database: str, settings: SessionSettings, on_notice: NoticeHandler | None = None
    ) -> AbstractContextManager[Engine]:
        """Open a database that `make` made."""

    def rows(self, database: str, settings: SessionSettings) -> ScratchRows:
        """Open the rows of a database that `make` made; those of its history are not looked at."""

    def roles(self) -> frozenset[str]:
        """Return the roles of the server; empty for an engine without any."""

    def make_role(self, name: str) -> None:
        """Make a role that nothing can log in as."""

    def drop_roles(self, names: Iterable[str]) -> None:
        """Drop roles with what they own in databases that stay; does nothing on a server that is not ours alone."""


class ScratchRows(Protocol):
    """The rows of one scratch database. `close` ends its session."""

    def plant(self, catalog: Catalog) -> None:
        """Put a row into each table of the catalog, which is the database's own, as well as that goes.

        Left alone are tables that hold rows, and those that were tried before as they are now.
        """

    def read(self, catalog: Catalog) -> Rows:
        """Return the rows of the tables of the catalog, which is the database's own."""

    def close(self) -> None:
        """End the session."""
