"""One invocation of the command line: its shared options, where it writes, and how it reaches files and databases."""

from __future__ import annotations

import getpass
import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from migration_manager.errors import ConfigError, MigrationManagerError
from migration_manager.model import Identity, Migration, Run, Script
from migration_manager.redact import Redactor
from migration_manager.render.screen import Screen

if TYPE_CHECKING:
    from migration_manager.cli.progress import Progress
    from migration_manager.config import Examination, Settings
    from migration_manager.engines.base import Engine, Scratch
    from migration_manager.prepare import Preparer
    from migration_manager.runner import Workplace
    from migration_manager.schemadump import Reach
    from migration_manager.scratch import Bench


@dataclass(frozen=True, slots=True)
class How:
    """How a change is asked for: the options of every command that makes one."""

    dry_run: bool
    yes: bool
    confirm: str | None
    accept_identity: bool
    lock_wait: str | None


# A command as it stands in what is said to people: a name, and options perhaps, none of which says where.
_COMMAND = re.compile(
    r"`((?:baseline|blockers|db (?:create|start|stop|url)|drift|dump|forget|history|lint|migrate|plan|prove|repair"
    r"|resume|rollback|status|verify)"
    r"(?: (?:(?!--env|`).)*)?)`"
)
_ANY_SERVER = "postgresql://"  # stands for an address that is not known here, and is never connected to
_LOOKING = How(dry_run=True, yes=False, confirm=None, accept_identity=False, lock_wait=None)


class Invocation:
    """What a command body works with."""

    def __init__(
        self,
        *,
        env: str | None,
        url: str | None,
        directory: str | None,
        config: str | None,
        json: bool,
        quiet: bool,
        verbose: bool,
        no_color: bool,
    ) -> None:
        self._flags = {"environment": env, "url": url, "migrations": directory, "config": config}
        self.json = json
        self.redactor = Redactor()
        self.state: str | None = None  # what the database is like, should a signal end the process from here on
        self._has_document = False
        self._told: set[str] = set()  # warnings of the configuration, which several steps may read
        self.screen = Screen(clean=self.redactor.clean, color=not no_color, quiet=quiet, document=json, verbose=verbose)

    # ------------------------------------------------------------------------------------ showing

    def document(self, value: Mapping[str, object], *, verbatim: bool = False) -> None:
        """Write the command's JSON document.

        A `verbatim` one was looked through for secrets already, and masks would spoil it.
        """
        from migration_manager.render.documents import as_json

        self._has_document = True
        self.screen.document(as_json(value, str if verbatim else self.redactor.clean))

    def show_error(self, error: MigrationManagerError) -> None:
        """Show an error the way the invocation asked for: as JSON on standard output, and always as text."""
        from migration_manager.render import documents, text

        if self.json and not self._has_document:  # it is one, whatever comes after it
            self.document({"error": documents.error(error)})
        text.show_error(self.screen, error, complete=self.completed)

    def completed(self, text: str) -> str:
        """Return a text whose commands, in backticks, mean the same database and files as this invocation."""
        return _COMMAND.sub(lambda found: f"`{found[1]}{self._options(self._flags['environment'])}`", text)

    def again(self, command: str, environment: str) -> str:
        """Return a command line that means the same database and files as this one; no address is repeated in it."""
        return f"migration-manager {command}{self._options(environment)}"

    def _options(self, environment: str | None) -> str:
        options = [f"--env {environment}"] if environment else []
        options += ["--url …"] if self._flags["url"] else []
        options += [f"--dir {self._flags['migrations']}"] if self._flags["migrations"] else []
        options += [f"--config {self._flags['config']}"] if self._flags["config"] else []
        return "".join(f" {option}" for option in options)

    # ------------------------------------------------------------------------------------ settings

    @cached_property
    def settings(self) -> Settings:
        """The effective configuration; raises `ConfigError` with every problem."""
        return self.load_settings()

    def examine(self, **flags: str | None) -> Examination:
        """Read the configuration with further flags; its secrets are known to the redactor from here on."""
        from migration_manager.config import examine_process

        found = examine_process({**self._flags, **flags})
        for secret in found.secrets:
            self.redactor.add(secret)
        for text in found.warnings:
            if text not in self._told:
                self._told.add(text)
                self.screen.warning(text)
        return found

    def load_settings(self, **flags: str | None) -> Settings:
        """Return the effective configuration with further flags; raises `ConfigError` with every problem."""
        return self.examine(**flags).checked()

    def settings_of_files(self) -> tuple[Settings, tuple[str, ...]]:
        """Return the settings for who needs no database, and what to know about them.

        An address that is missing here, as it is in CI, is none of their business. Raises `ConfigError` for the rest.
        """
        found = self.examine()
        if found.settings is None:
            without = self.examine(url=_ANY_SERVER)
            if without.settings is not None:
                return without.settings, (
                    "the environment's address is not known here: files are read as PostgreSQL's",
                )
        return found.checked(), ()

    # --------------------------------------------------------------------------------------- work

    @cached_property
    def progress(self) -> Progress:
        """Who tells the screen how far a run is."""
        from migration_manager.cli.progress import Progress

        return Progress(self.screen)

    @contextmanager
    def engine(self, settings: Settings, *, writes: bool) -> Iterator[Engine]:
        """Open the environment's database."""
        from migration_manager.engines import open_engine
        from migration_manager.engines.base import SessionSettings

        session = SessionSettings(
            role=settings.role,
            lock_timeout=settings.lock_timeout,
            statement_timeout=settings.statement_timeout,
            history_schema=settings.history_schema,
            history_table=settings.history_table,
            application_name=f"migration_manager {settings.environment}",
            lock_queue_limit=settings.lock_queue_limit,
            show_queries=settings.show_queries,
        )
        with open_engine(
            settings.connect_url,
            session,
            writes=writes,
            on_notice=self.progress.noticed,
            on_advance=self.progress.advanced,
            on_wait=self.progress.sighted,
            tell=self.tell,
        ) as engine:
            yield engine

    @contextmanager
    def workplace(self, settings: Settings, how: How = _LOOKING, *, folder_needed: bool = True) -> Iterator[Workplace]:
        """Bring files and database together; without a `how` that changes, the database is opened for reading.

        Without `folder_needed` files that are gone or broken are only told: a rollback in an incident must not fail
        on them.
        """
        from migration_manager.cli.confirmation import Confirmation
        from migration_manager.prepare import Preparer
        from migration_manager.retrying import Retries
        from migration_manager.runner import Workplace

        self.state = None if how.dry_run else "nothing was changed"
        migrations, warnings = self.migrations(settings, needed=folder_needed)
        with self.engine(settings, writes=not how.dry_run) as engine:
            self.state = None  # from here on the runner knows
            yield Workplace(
                engine=engine,
                migrations=migrations,
                preparer=Preparer(
                    engine.capabilities.dialect,
                    shown_from=Path.cwd(),
                    environments=settings.environments,
                    on_read=self.progress.reading,
                ),
                environment=settings.environment,
                run=new_run(settings.environment),
                observer=self.progress,
                confirm=Confirmation(self.screen, settings, engine, yes=how.yes, given=how.confirm),
                lock_wait=settings.lock_wait / 1000,
                retries=Retries(settings.lock_retries, settings.lock_retry_budget / 1000),
                accept_identity=how.accept_identity,
                require_rollback=settings.require_rollback,
                file_warnings=warnings,
                tolerant=not folder_needed,
                clean=self.redactor.clean,
            )

    @contextmanager
    def scratch(self, settings: Settings, like: Identity | None = None) -> Iterator[Scratch]:
        """Open the place for throw-away databases of this kind; raises `ConfigError` where there is none.

        Where nothing is configured it is of the same major version as the database it is to be like, where a container
        of that can be started, else an embedded server.
        """
        from migration_manager.engines import container_like, open_scratch
        from migration_manager.urls import EmbeddedUrl, parse_scratch_url

        if settings.scratch_problem is not None:
            raise ConfigError(settings.scratch_problem)
        url = settings.scratch_url or container_like(like) or parse_scratch_url("embedded:", root=settings.root)
        if isinstance(url, EmbeddedUrl) and url == settings.connect_url:
            raise ConfigError(
                f"scratch_url is where {settings.environment} keeps its own data",
                hint="give `scratch_url` a folder of its own, or leave it out",
            )
        with open_scratch(url, settings.dialect, tell=self.tell, tell_waiting=self.screen.message) as scratch:
            yield scratch

    def bench(
        self,
        settings: Settings,
        scratch: Scratch,
        preparer: Preparer,
        *,
        schema: Script | None = None,
        plants_rows: bool = True,
    ) -> Bench:
        """Return what scripts run with in scratch databases: as in the environment, but for its role and its limits."""
        from migration_manager.engines.base import SessionSettings
        from migration_manager.scratch import Bench

        session = SessionSettings(history_schema=settings.history_schema, history_table=settings.history_table)
        run = new_run(settings.environment)
        return Bench(scratch, session, preparer, run, self.screen.warning, schema, plants_rows)

    def reach(self, settings: Settings) -> Reach:
        """Return how pg_dump gets to the environment's database."""
        from migration_manager.schemadump import Reach

        return Reach(
            settings.connect_url,
            os.environ,
            application_name=f"migration_manager {settings.environment} pg_dump",
            programs=settings.pg_bin,
            lock_timeout=settings.lock_timeout,
        )

    def migrations(self, settings: Settings, *, needed: bool = True) -> tuple[tuple[Migration, ...], tuple[str, ...]]:
        """Return the files, and what is to be said about them: unless `needed`, which are broken too."""
        from migration_manager.files import read_folder

        folder = read_folder(settings.migrations, shown_from=Path.cwd(), tolerant=not needed)
        return folder.migrations, folder.warnings

    def tell(self, event: str) -> None:
        """Tell what happens to the embedded server."""
        # Making a database is news; starting and stopping the server of one is everyday.
        if self.screen.verbose or event.startswith("making"):
            self.screen.message(event)


def new_run(environment: str) -> Run:
    """Return a new run and who makes it, as far as the process's surroundings tell."""
    from migration_manager import __version__
    from migration_manager.runs import new_run_id, surroundings

    os_user = host = None
    with suppress(OSError, KeyError, ImportError):  # a container's user may have no name
        os_user = getpass.getuser()
    with suppress(OSError):
        host = socket.gethostname()
    commit, ci_run = surroundings(os.environ, Path.cwd())
    return Run(new_run_id(), environment, os_user, host, __version__, commit, ci_run)
