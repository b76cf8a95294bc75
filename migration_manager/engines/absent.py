"""A database that does not exist yet, for commands that only read: everything is empty, nothing can be changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import NoReturn, Self

from migration_manager.catalog import Catalog
from migration_manager.engines.base import NOTHING_RECORDED, Watching
from migration_manager.errors import DatabaseMissing
from migration_manager.model import (
    Action,
    Activity,
    Capabilities,
    Change,
    Dialect,
    Done,
    Identity,
    LockHolder,
    LogRow,
    Recorded,
    Run,
    Script,
    ServerSession,
)
from migration_manager.rehearsal import Observed, Size


class NobodyWatches:
    """See `engines.base.Rehearser`: of a database in which nothing is."""

    def relations(self) -> dict[int, str]:
        return {}

    def sizes(self) -> dict[str, Size]:
        return {}

    def undone(
        self, known: Mapping[int, str] | None, *, lock_timeout: int | None = None
    ) -> AbstractContextManager[Watching]:
        raise _missing()

    def outside(self, script: Script, known: Mapping[int, str], told: Callable[[Observed], None]) -> tuple[str, ...]:
        raise _missing()


class AbsentEngine:
    """See `engines.base.Engine`. Every method that writes raises `DatabaseMissing`, and so does `catalog`."""

    def __init__(self, engine: str, server: str, database: str) -> None:
        self._identity = Identity(engine, "(not created yet)", server, database, "", "")

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(Dialect.POSTGRESQL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def identify(self) -> Identity:
        return self._identity

    def recorded(self) -> Recorded:
        return NOTHING_RECORDED

    def log(self, *, name: str | None = None, limit: int | None = None) -> tuple[LogRow, ...]:
        return ()

    def done_statements(self, name: str) -> tuple[str, ...]:
        return ()

    def kept_texts(self, checksums: Sequence[str]) -> dict[str, str]:
        return {}

    def history_tables(self) -> tuple[tuple[str, str], ...]:
        return ()

    def definitions(self, *, with_history: bool) -> tuple[str, ...]:
        return ()

    def catalog(self) -> Catalog:
        self._refuse()  # one without its own schema is no empty database, and nothing to compare with

    def rehearser(self) -> NobodyWatches:
        return NobodyWatches()

    def exclusive(
        self, wait: float, on_wait: Callable[[LockHolder | None, float], None]
    ) -> AbstractContextManager[Recorded]:
        self._refuse()

    def lock_holder(self) -> LockHolder | None:
        return None

    def activity(self) -> Activity:
        return Activity()

    def end_session(self, session: ServerSession) -> bool:
        self._refuse()

    def ensure_history(self, run: Run) -> None:
        self._refuse()

    def log_start(self, run: Run, action: Action) -> None:
        self._refuse()

    def stamp(self, run: Run, reason: str | None) -> None:
        self._refuse()

    def transact(self, run: Run, changes: Sequence[Change]) -> tuple[Done, ...]:
        self._refuse()

    def run_outside_transaction(self, run: Run, change: Change) -> Done:
        self._refuse()

    def log_failure(self, run: Run, change: Change, error: str, code: str | None, execution_ms: int) -> None:
        return None

    def _refuse(self) -> NoReturn:
        raise _missing()


def _missing() -> DatabaseMissing:
    return DatabaseMissing("the database does not exist yet", hint="`migrate` or `db create` makes it")
