"""Commands about the database itself: db create, drop, reset, wait, start, stop, url."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING, Annotated

import typer

from migration_manager.cli.confirmation import ask_for_name, can_ask
from migration_manager.cli.invocation import Invocation
from migration_manager.cli.options import Yes, command
from migration_manager.errors import DatabaseMissing, DatabaseUnreachable, GuardRefused, UsageError
from migration_manager.render.screen import NAME
from migration_manager.urls import EmbeddedUrl, SqliteUrl

if TYPE_CHECKING:
    from migration_manager.config import Settings


def create(call: Invocation) -> None:
    """Create the environment's database; one that is there is left alone."""
    from migration_manager.engines import open_administration

    with open_administration(call.settings.connect_url, tell=call.tell) as database:
        made = database.create()
    _tell(call, "created" if made else "exists", made)


def drop(call: Invocation, yes: Yes = False) -> None:
    """Drop the environment's database with all it holds. Refused on a protected environment."""
    from migration_manager.engines import open_administration

    _refuse_protected(call)
    with open_administration(call.settings.connect_url, tell=call.tell) as database:
        _ask_before_loss(call, database.database, yes=yes)
        gone = database.drop()
    _tell(call, "dropped" if gone else "there was none", changed=gone)


def reset(call: Invocation, yes: Yes = False) -> None:
    """Drop the environment's database and create it again, empty. Refused on a protected environment."""
    from migration_manager.engines import open_administration

    _refuse_protected(call)
    with open_administration(call.settings.connect_url, tell=call.tell) as database:
        _ask_before_loss(call, database.database, yes=yes)
        database.drop()
        database.create()
    _tell(call, "dropped and created, empty", changed=True)


def wait(
    call: Invocation,
    timeout: Annotated[str, typer.Option("--timeout", metavar="TIME", help="How long at most.")] = "60s",
) -> None:
    """Wait until the database server answers; a database that does not exist yet counts as an answer."""
    from migration_manager.durations import parse_duration

    try:
        limit = parse_duration(timeout) / 1000
    except ValueError as error:
        raise UsageError(f"--timeout: {error}") from None
    began = time.monotonic()
    while True:
        try:
            with call.engine(call.settings, writes=False) as engine:
                engine.identify()
            break
        except DatabaseMissing:
            break
        except DatabaseUnreachable:
            if time.monotonic() - began >= limit:
                raise
            time.sleep(0.5)
    _tell(call, "answers", True)


def start(call: Invocation) -> None:
    """Start the embedded PostgreSQL and keep it up, and say how to reach it with psql."""
    from migration_manager import embedded

    address = embedded.keep(_embedded(call.settings).directory, on_event=call.screen.message)
    psql = shlex.join((str(embedded.binaries() / "psql"), address.url))
    if call.json:
        call.document({"environment": call.settings.environment, "url": address.url, "psql": psql})
        return
    call.screen.result(f"{call.settings.environment}: running, and kept up until `db stop`")
    call.screen.result("  url   ", (address.url, NAME))
    call.screen.result("  psql  ", (psql, NAME))


def stop(
    call: Invocation,
    force: Annotated[bool, typer.Option("--force", help="Although others are using it.")] = False,
) -> None:
    """Stop the embedded PostgreSQL."""
    from migration_manager import embedded

    stopped = embedded.stop(_embedded(call.settings).directory, force=force)
    _tell(call, "stopped" if stopped else "was not running", stopped)


def url(call: Invocation) -> None:
    """Print the environment's address, for psql and other programs; passwords are masked."""
    target = call.settings.connect_url
    if isinstance(target, EmbeddedUrl):
        from migration_manager import embedded

        address = embedded.address(target.directory)
        if address is None:
            raise DatabaseUnreachable("the embedded PostgreSQL is not running", hint="`db start` keeps it up")
        shown = address.url
    elif isinstance(target, SqliteUrl):
        shown = f"sqlite:///{target.path}"
    else:
        shown = target.without_secrets()
    call.document({"environment": call.settings.environment, "url": shown}) if call.json else call.screen.data(shown)


def _embedded(settings: Settings) -> EmbeddedUrl:
    if not isinstance(settings.connect_url, EmbeddedUrl):
        raise UsageError(
            f"{settings.environment} is no embedded database; this tool starts and stops only those",
            hint='url = "embedded:" makes one',
        )
    return settings.connect_url


def _refuse_protected(call: Invocation) -> None:
    """Refuse a protected environment, and a database that says it belongs to another one than was asked for."""
    from migration_manager.plan import check_identity

    environment = call.settings.environment
    if call.settings.protected:
        raise GuardRefused(
            f"{environment} is protected: its database is not dropped by this tool", state="nothing was changed"
        )
    try:
        with call.engine(call.settings, writes=False) as engine:
            recorded = engine.recorded()
    except DatabaseMissing:
        return
    check_identity(recorded, environment)


def _ask_before_loss(call: Invocation, database: str, *, yes: bool) -> None:
    if yes:
        return
    if not can_ask():
        raise GuardRefused("dropping a database wants --yes where nobody can be asked", state="nothing was changed")
    call.screen.error(f"This drops the database {database} of {call.settings.environment} with all it holds.")
    call.state = "nothing was changed"
    ask_for_name(call.screen, database)
    call.state = None


def _tell(call: Invocation, sentence: str, changed: bool) -> None:
    if call.json:
        call.document({"environment": call.settings.environment, "result": sentence, "changed": changed})
    else:
        call.screen.result((call.settings.environment, NAME), f": {sentence}")


def register(app: typer.Typer) -> None:
    """Add this module's commands, under `db`."""
    group = typer.Typer(no_args_is_help=True, help="The database itself: create, drop, reset, wait, start, stop, url.")
    for body, example in (
        (create, "migration-manager db create --env uat"),
        (drop, "migration-manager db drop --env dev --yes"),
        (reset, "migration-manager db reset --env dev"),
        (wait, "migration-manager db wait --env uat --timeout 2min"),
        (start, "migration-manager db start"),
        (stop, "migration-manager db stop"),
        (url, 'psql "$(migration-manager db url)"'),
    ):
        command(group, body.__name__, example=example)(body)
    app.add_typer(group, name="db", rich_help_panel=None)
