"""The command that looks at migration files without a database."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from migration_manager.cli.invocation import Invocation
from migration_manager.cli.options import Name, Since, command
from migration_manager.errors import Exit, UsageError
from migration_manager.model import Dialect

if TYPE_CHECKING:
    from migration_manager.config import Settings
    from migration_manager.files import Folder

_ANY_SERVER = "postgresql://"  # stands for an address that is not known here, and is never connected to


def lint(
    call: Invocation,
    name: Name = None,
    since: Since = None,
    own_rules: Annotated[bool, typer.Option("--own-rules", help="This tool's own rules only, without squawk.")] = False,
    github: Annotated[
        bool, typer.Option("--github", help="Annotations for GitHub Actions instead of lines for people.")
    ] = False,
) -> Exit:
    """Look at the files for unsafe operations, and for what `migrate` would refuse. Needs no database.

    Exits 4 on a finding. `-- migrate: accept RULE because …` in a file's header accepts one.
    """
    from migration_manager.linting import Surroundings
    from migration_manager.linting import lint as look_at
    from migration_manager.render import findings as shown

    if github and call.json:
        raise UsageError("--github and --json are two forms of the same; take one")
    settings, notes = _settings(call)
    folder = _folder(settings)
    report = look_at(
        folder,
        Surroundings(
            settings.environment,
            settings.environments,
            _dialect(settings),
            Path.cwd(),
            _server_version(settings),
            own_rules,
        ),
        _chosen(settings, name, since),
    )
    report = replace(report, notes=(*notes, *report.notes))
    if call.json:
        call.document(shown.findings_document(report))
    else:
        for note in report.notes:
            call.screen.message(note)
        if github:
            shown.show_annotations(call.screen, report, _from_the_root)
        else:
            shown.show_findings(call.screen, report)
    return Exit.DISAGREE if report.open else Exit.DONE


def _settings(call: Invocation) -> tuple[Settings, tuple[str, ...]]:
    """Return the settings, and what to know about them.

    An address that is missing here, as it is in CI, is none of lint's business. Raises `ConfigError` for the rest.
    """
    found = call.examine()
    if found.settings is None:
        without = call.examine(url=_ANY_SERVER)
        if without.settings is not None:
            return without.settings, ("the environment's address is not known here: files are read as PostgreSQL's",)
    return found.checked(), ()


def _folder(settings: Settings) -> Folder:
    """Read the folder; what is wrong with a file in it is for the report, what is wrong with the folder is not."""
    from migration_manager.files import read_folder

    here = Path.cwd()
    if not settings.migrations.is_dir():
        read_folder(settings.migrations, shown_from=here)  # raises, and says why
    return read_folder(settings.migrations, shown_from=here, tolerant=True)


def _dialect(settings: Settings) -> Dialect:
    from migration_manager.urls import SqliteUrl

    return Dialect.SQLITE if isinstance(settings.connect_url, SqliteUrl) else Dialect.POSTGRESQL


def _server_version(settings: Settings) -> str | None:
    """Return the version of the environment's server, as far as the configuration tells it."""
    from migration_manager.embedded.wheel import MAJOR
    from migration_manager.urls import EmbeddedUrl

    return settings.server_version or (MAJOR if isinstance(settings.connect_url, EmbeddedUrl) else None)


def _chosen(settings: Settings, name: str | None, since: str | None) -> Callable[[str], bool]:
    """Return which migrations are meant: by name, and since a git ref."""
    from migration_manager.files import migration_names
    from migration_manager.names import resolve
    from migration_manager.since import names_since

    only: frozenset[str] | None = None
    if since is not None:
        only = names_since(since, settings.migrations).names
    if name is not None:
        full = frozenset({resolve(name, migration_names(settings.migrations))})  # also of one that cannot be read
        only = full if only is None else full & only
    return (lambda _: True) if only is None else only.__contains__


def _from_the_root(path: str) -> str:
    """Return a path as GitHub knows it, where this is a job of its."""
    root = os.environ.get("GITHUB_WORKSPACE")
    if not root:
        return path
    full = Path(path).absolute()
    return str(full.relative_to(root)) if full.is_relative_to(root) else path


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    command(
        app,
        "lint",
        example="migration-manager lint\nmigration-manager lint --since origin/main --github",
    )(lint)
