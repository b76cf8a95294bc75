"""The schema as a file: the command `dump`, and the file that is written after a run that changed something."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from migration_manager.cli.invocation import Invocation
from migration_manager.cli.options import command
from migration_manager.config import Settings
from migration_manager.dumptext import difference, shortened
from migration_manager.engines.base import Engine
from migration_manager.errors import Exit, MigrationManagerError, UsageError
from migration_manager.names import shown_path
from migration_manager.outfile import read_file, write_file
from migration_manager.render.dump import document, show_difference, show_written

if TYPE_CHECKING:
    from migration_manager.schemadump import SchemaText

STANDARD_OUTPUT = "-"


def dump(
    call: Invocation,
    file: Annotated[
        str | None, typer.Option("--file", "-o", metavar="FILE", help="Write it there; - is standard output.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 4 when the file is not the schema.")
    ] = False,
    owners: Annotated[bool, typer.Option("--owners", help="With owners and privileges.")] = False,
) -> Exit:
    """Write the schema as SQL, the same text as long as the schema is the same.

    Without --file it goes to the configured schema_file, else to standard output. The applied migrations stand at its
    end, the history's tables are left out. PostgreSQL's pg_dump is needed, of the server's version or a newer one.
    """
    settings = call.settings
    path = Path(file) if file is not None else settings.schema_file
    if file == STANDARD_OUTPUT:
        path = None
    shown = "" if path is None else shown_path(path, Path.cwd())
    if check and path is None:
        raise UsageError("--check compares a file", hint="name it with --file, or set `schema_file`")
    with call.engine(settings, writes=False) as engine:
        found = _read(call, settings, engine, owners=owners)
    for text in found.warnings:
        call.screen.warning(text)
    if path is None:
        if call.json:
            facts = document(settings.environment, found, None, (), written=False)
            call.document(facts | {"schema": found.text}, verbatim=True)
        else:
            call.screen.text(found.text)
        return Exit.DONE
    lines = difference(read_file(path, shown), found.text, shown)
    if lines and not check:
        write_file(path, found.text, shown)
    if call.json:
        call.document(
            document(settings.environment, found, shown, lines, written=bool(lines) and not check), verbatim=True
        )
    elif check and lines:
        again = f"dump -o {shlex.quote(shown)}" + (" --owners" if owners else "")
        show_difference(call.screen, shown, shortened(lines), call.again(again, settings.environment))
    else:
        show_written(call.screen, shown, changed=bool(lines))
    return Exit.DISAGREE if check and lines else Exit.DONE


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of the configured file after a run: whether it was written, or why it could not be."""

    path: str
    written: bool = False
    error: str | None = None


def keep_schema_file(call: Invocation, settings: Settings) -> Kept | None:
    """Write the configured file after a run that changed something; None where none is configured.

    What goes wrong is a warning: the run is committed, and is not called failed for the sake of a file.
    """
    path = settings.schema_file
    if path is None:
        return None
    shown = shown_path(path, Path.cwd())
    try:
        with call.engine(settings, writes=False) as engine:
            found = _read(call, settings, engine, owners=False)
        for text in found.warnings:
            call.screen.warning(text)
        is_other = bool(difference(read_file(path, shown), found.text, shown))
        if is_other:
            write_file(path, found.text, shown)
    except (MigrationManagerError, OSError) as caught:  # whatever it is, the run is committed
        error = caught if isinstance(caught, MigrationManagerError) else MigrationManagerError(str(caught))
        again = call.again("dump", settings.environment)
        hint = f"\n{error.hint}" if error.hint else ""
        call.screen.warning(
            f"THE SCHEMA FILE IS OLD: {shown} was not written, though the run was finished and is kept:"
            f" {error.message}{hint}\nwhen that is mended: {again}"
        )
        return Kept(shown, error=error.message)
    return Kept(shown, written=is_other)


def _read(call: Invocation, settings: Settings, engine: Engine, *, owners: bool) -> SchemaText:
    from migration_manager.schemadump import schema_text

    return schema_text(engine, call.reach(settings), owners=owners, secrets=settings.secrets)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    command(
        app,
        "dump",
        example="migration-manager dump -o schema.sql\nmigration-manager dump --check -o schema.sql --env uat",
    )(dump)
