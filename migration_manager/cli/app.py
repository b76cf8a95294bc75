"""The application: every command in its place, and the help that lists them."""

from __future__ import annotations

from typing import Annotated

import typer

from migration_manager.cli import blockers, changing, database, drift, dump, lint, looking, making, prove, rehearse

EPILOG = """Exit codes:

\b
    0  done, or nothing to do
    1  a migration failed
    2  usage, configuration or file error
    3  migrations are pending (status --check)
    4  history and files disagree, or findings
    5  try again later: lock not obtained, database not reachable
    6  refused by a guard: protected, another environment's, out of order
  129  hung up (SIGHUP)
  130  interrupted (Ctrl-C, SIGINT)
  143  terminated (SIGTERM)

Start with `migration-manager init`, then `create`, `migrate`, `status`; in an incident `rollback --name`.
"""

app = typer.Typer(
    name="migration-manager",
    help="Plain-SQL migrations for PostgreSQL and SQLite, with rollback by name.",
    epilog=EPILOG,
    no_args_is_help=True,
    # Plain help, the same on a terminal and in a pipe, without rich; never local variables in a traceback.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)


def _version(asked: bool) -> None:
    if asked:
        from migration_manager import __version__

        typer.echo(f"migration-manager {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Plain-SQL migrations for PostgreSQL and SQLite, with rollback by name."""


making.register(app)
looking.register(app)
blockers.register(app)
lint.register(app)
changing.register(app)
dump.register(app)
prove.register(app)
rehearse.register(app)
drift.register(app)
database.register(app)
