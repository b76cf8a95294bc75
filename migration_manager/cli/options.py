"""What all commands share: their options, and the frame that turns errors into exit codes."""

from __future__ import annotations

import functools
import inspect
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from migration_manager.cli.invocation import How, Invocation
from migration_manager.errors import Exit, Interrupted, MigrationManagerError
from migration_manager.interrupts import which

Body = Callable[..., Exit | None]


def _environments(context: typer.Context, incomplete: str) -> list[str]:
    """Complete an environment's name from the configuration; nothing where that cannot be read."""
    from migration_manager.config import examine_process

    with suppress(Exception):  # a shell that asks for completions wants no error message
        settings = examine_process({"config": context.params.get("config")}).settings
        if settings is not None:
            return [name for name in settings.environments if name.startswith(incomplete)]
    return []


def _migrations(context: typer.Context, incomplete: str) -> list[str]:
    """Complete a migration's name from the files, in full or from where its words begin."""
    from migration_manager.config import examine_process
    from migration_manager.files import migration_names
    from migration_manager.names import slug_of

    with suppress(Exception):
        chosen = {"config": context.params.get("config"), "migrations": context.params.get("directory")}
        settings = examine_process(chosen).settings
        if settings is not None:
            names = migration_names(settings.migrations)
            return [word for word in (*names, *map(slug_of, names)) if word.startswith(incomplete)]
    return []


def _refs(incomplete: str) -> list[str]:
    """Complete a git ref from those the repository has."""
    from migration_manager.since import refs

    with suppress(Exception):
        return [ref for ref in refs(Path.cwd()) if ref.startswith(incomplete)]
    return []


SHARED: dict[str, Any] = {
    "env": Annotated[
        str | None,
        typer.Option(
            "--env",
            "-e",
            metavar="NAME",
            help="Environment. [variable: MIGRATION_MANAGER_ENV]",
            autocompletion=_environments,
        ),
    ],
    "url": Annotated[
        str | None, typer.Option("--url", metavar="URL", help="Database address, instead of the configured one.")
    ],
    "directory": Annotated[
        str | None,
        typer.Option("--dir", "-d", metavar="PATH", help="Folder of migrations, instead of the configured one."),
    ],
    "config": Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="Configuration file, instead of the nearest one.")
    ],
    "json": Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")],
    "quiet": Annotated[bool, typer.Option("--quiet", "-q", help="Only warnings and errors.")],
    "verbose": Annotated[bool, typer.Option("--verbose", "-v", help="Everything in full.")],
    "no_color": Annotated[bool, typer.Option("--no-color", help="No colour. NO_COLOR does the same.")],
}
DEFAULTS: dict[str, object] = dict.fromkeys(("env", "url", "directory", "config", "confirm", "lock_wait"))

# Options that several commands take.
NAME_OPTION: Any = typer.Option(
    "--name", "-n", metavar="NAME", help="That migration; a short name will do.", autocompletion=_migrations
)
Name = Annotated[str | None, NAME_OPTION]
RequiredName = Annotated[str, NAME_OPTION]
To = Annotated[
    str | None,
    typer.Option("--to", metavar="NAME", help="Up to and including that migration.", autocompletion=_migrations),
]
ToStays = Annotated[
    str | None,
    typer.Option(
        "--to", metavar="NAME", help="Everything applied after that one, which stays.", autocompletion=_migrations
    ),
]
Steps = Annotated[int | None, typer.Option("--steps", metavar="N", help="At most so many.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask. A protected environment wants --confirm too.")]
Confirm = Annotated[
    str | None,
    typer.Option("--confirm", metavar="DATABASE", help="The database's name, for a protected environment."),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="REF", help="Only what was added or changed since that git ref.", autocompletion=_refs
    ),
]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept in the log.")]

# What every command that changes a database through its migrations takes as well; see `invocation.How`.
CHANGING: dict[str, Any] = {
    "dry_run": Annotated[bool, typer.Option("--dry-run", help="Show what would happen; write nothing.")],
    "yes": Yes,
    "confirm": Confirm,
    "accept_identity": Annotated[
        bool, typer.Option("--accept-identity", help="Stamp the database with this environment, whatever it was.")
    ],
    "lock_wait": Annotated[
        str | None, typer.Option("--lock-wait", metavar="TIME", help="How long to wait for another run, e.g. 30s.")
    ],
}


def command(
    app: typer.Typer, name: str, *, aliases: tuple[str, ...] = (), changing: bool = False, example: str
) -> Callable[[Body], Body]:
    """Register a command: add the shared options, hand the body an `Invocation`, end the process with its exit code.

    A body that is `changing` gets a `How` as well. Its docstring is the help; `example` is shown below it.
    """

    def register(body: Body) -> Body:
        hints = get_type_hints(body, include_extras=True)
        handed = 2 if changing else 1
        own = [
            parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in list(inspect.signature(body).parameters.values())[handed:]
        ]
        options = (CHANGING if changing else {}) | SHARED
        added = [
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=DEFAULTS.get(key, False), annotation=kind)
            for key, kind in options.items()
        ]

        @functools.wraps(body)
        def wrapper(**given: Any) -> None:
            call = Invocation(**{key: given.pop(key) for key in SHARED})
            how = (How(**{key: given.pop(key) for key in CHANGING}),) if changing else ()
            raise typer.Exit(run_body(body, (call, *how), given))

        wrapper.__signature__ = inspect.Signature(own + added)  # type: ignore[attr-defined]
        del wrapper.__wrapped__  # else typer reads the body's own signature
        wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in own + added}
        epilog = "Example:\n\n\b\n" + "\n".join("  " + line for line in example.strip().split("\n"))
        app.command(name, epilog=epilog)(wrapper)
        for alias in aliases:
            app.command(alias, hidden=True, epilog=epilog)(wrapper)
        return body

    return register


def run_body(body: Body, handed: tuple[Any, ...], given: dict[str, Any]) -> Exit:
    """Run a command's body; the one place where an error becomes text and an exit code."""
    invocation: Invocation = handed[0]
    try:
        return body(*handed, **given) or Exit.DONE
    except MigrationManagerError as error:
        invocation.show_error(error)
        return error.exit_code
    except KeyboardInterrupt:
        stopped = Interrupted(which(), state=invocation.state)
        invocation.show_error(stopped)
        return stopped.exit_code
    except Exception:  # noqa: BLE001 - a defect of ours: its traceback is wanted, the secrets in it are not
        print(invocation.redactor.clean(traceback.format_exc()), file=sys.stderr)
        print("This is a defect of migration_manager; please report it with the lines above.", file=sys.stderr)
        return Exit.FAILED
