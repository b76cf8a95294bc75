"""From an address to an open engine. Drivers are imported only when their engine is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from migration_manager.engines.base import (
    Administration,
    AdvanceHandler,
    Engine,
    NoticeHandler,
    Scratch,
    SessionSettings,
    WaitHandler,
)
from migration_manager.model import Dialect, Identity, major_of
from migration_manager.urls import ContainerUrl, DatabaseUrl, EmbeddedUrl, PostgresUrl, ScratchUrl, SqliteUrl

__all__ = ["container_like", "open_administration", "open_engine", "open_scratch"]

Tell = Callable[[str], None]


def _silent(event: str) -> None:
    """Tell nobody."""


@contextmanager
def open_engine(
    url: DatabaseUrl,
    settings: SessionSettings,
    *,
    writes: bool,
    on_notice: NoticeHandler | None = None,
    on_advance: AdvanceHandler | None = None,
    on_wait: WaitHandler | None = None,
    tell: Tell | None = None,
) -> Iterator[Engine]:
    """Open the engine of an address. Without `writes` nothing is created: no file, no folder, no server.

    Raises `DatabaseUnreachable` and `ConfigError`.
    """
    if isinstance(url, SqliteUrl):
        from migration_manager.engines.sqlite import open_sqlite

        with open_sqlite(url.path, settings, on_notice, on_advance, read_only=not writes) as sqlite:
            yield sqlite
    elif isinstance(url, EmbeddedUrl):
        from migration_manager import embedded

        if not writes and not embedded.exists(url.directory):
            from migration_manager.engines.absent import AbsentEngine

            yield AbsentEngine("PostgreSQL", "embedded", "postgres")
            return
        with embedded.running(url.directory, on_event=tell or _silent) as address:
            from migration_manager.engines.postgres import open_postgres

            with open_postgres(
                address.conninfo, settings, on_notice, on_advance, on_wait, shown="embedded", writes=writes
            ) as local:
                yield local
    else:
        from migration_manager.engines.postgres import open_postgres

        with open_postgres(url.conninfo(), settings, on_notice, on_advance, on_wait, writes=writes) as remote:
            yield remote


@contextmanager
def open_scratch(
    url: ScratchUrl,
    dialect: Dialect,
    *,
    tell: Tell | None = None,
    tell_waiting: Tell | None = None,
) -> Iterator[Scratch]:
    """Open a place for throw-away databases; on a server of ours one at a time works, and `tell_waiting` hears of it.

    Raises `ConfigError` where there is no such server, and as `open_engine` does.
    """
    if dialect is Dialect.SQLITE:
        from migration_manager.engines.sqlite_scratch import SqliteScratch

        with SqliteScratch() as files:
            yield files
        return
    from migration_manager.engines.postgres_scratch import PostgresScratch

    with (
        _scratch_server(url, tell or _silent) as (conninfo, shown, at),
        PostgresScratch(
            conninfo,
            shown=shown,
            owned=not isinstance(url, PostgresUrl),
            at=at,
            kept=isinstance(url, EmbeddedUrl),
            tell=tell_waiting,
        ) as databases,
    ):
        yield databases


def container_like(identity: Identity | None) -> ContainerUrl | None:
    """Return a container that serves better than the embedded server, where one can be started; None where none does.

    It serves better where there is no embedded server, or that has another major version than the database.
    """
    from migration_manager import embedded
    from migration_manager.embedded.wheel import MAJOR
    from migration_manager.engines import postgres_container

    major = (major_of(identity.version) if identity else "") or MAJOR  # of a database that is not there yet
    if identity is not None and identity.engine != "PostgreSQL":
        return None
    if embedded.is_installed() and (major == MAJOR or not postgres_container.is_possible()):
        return None
    return ContainerUrl(f"postgres:{major}-alpine")


@contextmanager
def _scratch_server(url: ScratchUrl, tell: Tell) -> Iterator[tuple[Mapping[str, str], str, str]]:
    """Have the server up; give its keywords, what it is, and where, as words that follow its version."""
    if isinstance(url, PostgresUrl):
        yield url.conninfo(), "PostgreSQL", f" on {url.shown()}"
    elif isinstance(url, EmbeddedUrl):
        from migration_manager import embedded

        with embedded.running(url.directory, on_event=tell) as address:
            yield address.conninfo, "embedded PostgreSQL", ""
    else:
        from migration_manager.engines import postgres_container

        with postgres_container.running(url.image) as conninfo:
            yield conninfo, f"container {url.image}, PostgreSQL", ""


@contextmanager
def open_administration(url: DatabaseUrl, *, tell: Tell | None = None) -> Iterator[Administration]:
    """Open the power over the database of an address as such: whether it exists, creating and dropping it."""
    if isinstance(url, SqliteUrl):
        from migration_manager.engines.sqlite_admin import SqliteAdministration

        yield SqliteAdministration(url.path)
        return
    from migration_manager.engines.postgres_admin import PostgresAdministration

    if isinstance(url, PostgresUrl):
        yield PostgresAdministration(url.conninfo())
        return
    from migration_manager import embedded

    with embedded.running(url.directory, on_event=tell or _silent) as address:
        yield PostgresAdministration(address.conninfo)
