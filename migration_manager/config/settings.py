"""The configuration as the rest of the program sees it: values only, nothing about where to look for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from migration_manager.errors import ConfigError
from migration_manager.model import Dialect, OutOfOrder
from migration_manager.secret import Secret
from migration_manager.urls import DatabaseUrl, ScratchUrl, SqliteUrl


@dataclass(frozen=True, slots=True)
class Origin:
    """One line of the `config` command: a key, its value without secrets, and where that comes from."""

    key: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration of one run. Times are milliseconds, 0 is no limit (for `lock_wait`: do not wait)."""

    root: Path  # the project's folder: where the configuration file is, else the current one
    config_path: Path | None
    environment: str
    migrations: Path
    url: DatabaseUrl
    connect_url: DatabaseUrl  # where this tool connects: `migrate_url` where there is one
    protected: bool
    role: str | None
    history_schema: str | None
    history_table: str
    lock_timeout: int
    lock_retries: int  # further tries of a transaction that others stood in the way of
    lock_retry_budget: int
    lock_queue_limit: int  # sessions that may queue behind us before we give way; 0 is no limit
    show_queries: bool  # whether the queries of those in the way are shown
    statement_timeout: int
    lock_wait: int
    out_of_order: OutOfOrder
    require_rollback: bool
    schema_file: Path | None  # where the schema's text is kept; written after each run that changed something
    pg_bin: Path | None  # the folder of PostgreSQL's client programs; None looks for them
    server_version: str | None  # PostgreSQL's, for what has to be known of it without a connection
    environments: tuple[str, ...]  # the configured ones
    protected_environments: tuple[str, ...]  # all that are, by the file or by their name
    default_environment: str
    scratch_url: ScratchUrl | None  # where throw-away databases are made; None: embedded, or else in a container
    scratch_problem: str | None  # why the configured one cannot be used; it matters only to who wants one
    origins: tuple[Origin, ...] = ()
    secrets: tuple[Secret, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def dialect(self) -> Dialect:
        """The SQL of the environment's database."""
        return Dialect.SQLITE if isinstance(self.connect_url, SqliteUrl) else Dialect.POSTGRESQL


@dataclass(frozen=True, slots=True)
class Examination:
    """What could be made of the configuration; `settings` is None when there are problems."""

    settings: Settings | None
    problems: tuple[str, ...]
    origins: tuple[Origin, ...] = ()
    secrets: tuple[Secret, ...] = ()
    warnings: tuple[str, ...] = ()

    def checked(self) -> Settings:
        """Return the settings, or raise one `ConfigError` with everything that is wrong."""
        if self.settings is not None:
            return self.settings
        listed = "".join(f"\n  {problem}" for problem in self.problems)
        several = f"the configuration has {len(self.problems)} problems:{listed}"
        raise ConfigError(self.problems[0] if len(self.problems) == 1 else several, problems=self.problems)
