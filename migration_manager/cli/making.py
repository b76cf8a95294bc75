"""Commands that make files: init, create."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from migration_manager.cli.invocation import Invocation
from migration_manager.cli.options import command
from migration_manager.errors import UsageError
from migration_manager.names import shown_path
from migration_manager.render.screen import DIM, NAME


def init(call: Invocation) -> None:
    """Write a configuration file and the migrations folder; never overwrites."""
    from migration_manager.config import DEFAULT_CONFIG
    from migration_manager.scaffold import init_project

    made = init_project(Path.cwd(), DEFAULT_CONFIG)
    if call.json:
        call.document({"files": [{"path": str(path), "written": written} for path, written in made]})
        return
    for path, written in made:
        call.screen.result(("written  " if written else "kept     ", DIM), (shown_path(path, Path.cwd()), NAME))
    call.screen.result("")
    call.screen.result("Next: ", ('migration-manager create --name "Create users"', NAME))


def create(
    call: Invocation,
    title: Annotated[str | None, typer.Argument(metavar="[NAME]", help="What it does.", show_default=False)] = None,
    name: Annotated[str | None, typer.Option("--name", "-n", metavar="NAME", help="The same, as an option.")] = None,
) -> None:
    """Write a new migration and its rollback script, named by the present time (UTC) and what it does."""
    from migration_manager.files import migration_names
    from migration_manager.scaffold import create_migration

    if (title is None) == (name is None):
        raise UsageError("create takes one name", hint='migration-manager create --name "Add user preferences"')
    folder = call.settings.migrations
    newest = next(reversed(migration_names(folder)), None)
    paths = create_migration(folder, name or title or "", datetime.now(UTC), newest)
    if call.json:
        call.document({"name": paths[0].stem, "migration": str(paths[0]), "rollback": str(paths[1])})
        return
    for path in paths:
        call.screen.result(("created  ", DIM), (shown_path(path, Path.cwd()), NAME))


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    command(app, "init", example="migration-manager init")(init)
    command(app, "create", aliases=("new",), example='migration-manager create --name "Add user preferences"')(create)
