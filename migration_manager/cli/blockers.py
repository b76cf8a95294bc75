"""The command that says who is in a migration's way, and can end their sessions."""

from __future__ import annotations

from typing import Annotated

import typer

from migration_manager.cli.confirmation import confirm_ending
from migration_manager.cli.invocation import Invocation
from migration_manager.cli.options import Confirm, Yes, command
from migration_manager.engines.base import Engine
from migration_manager.errors import TryLater, UsageError
from migration_manager.model import Activity, ServerSession
from migration_manager.render.activity import activity_document, holder_document, show_activity, show_holder


def blockers(
    call: Invocation,
    terminate: Annotated[
        int | None,
        typer.Option("--terminate", metavar="PID", help="End that session, which must be one that is shown."),
    ] = None,
    yes: Yes = False,
    confirm: Confirm = None,
    hide_queries: Annotated[bool, typer.Option("--hide-queries", help="Do not show what others run.")] = False,
) -> None:
    """Show who holds what a migration waits for, and how many queue behind it; without a run, who blocks whom.

    Takes no lock and writes nothing. `--terminate PID` ends a session, and asks first.
    """
    settings = call.load_settings(show_queries="false" if hide_queries else None)
    with call.engine(settings, writes=False) as engine:
        if not engine.capabilities.sees_sessions:
            _show_holder(call, engine, terminate)
            return
        activity = engine.activity()
        if terminate is not None:
            session = _shown(activity, terminate, engine.identify().database)
            confirm_ending(call.screen, settings, engine, session, yes=yes, given=confirm)
            _end(call, engine, session)
        elif call.json:
            call.document(activity_document(settings.environment, engine.identify(), activity))
        else:
            show_activity(call.screen, settings.environment, engine.identify(), activity)


def _show_holder(call: Invocation, engine: Engine, terminate: int | None) -> None:
    if terminate is not None:
        raise UsageError("SQLite has no sessions to end", hint="end the other program itself")
    holder, environment = engine.lock_holder(), call.settings.environment
    if call.json:
        call.document(holder_document(environment, engine.identify(), holder))
    else:
        show_holder(call.screen, environment, engine.identify(), holder)


def _shown(activity: Activity, pid: int, database: str) -> ServerSession:
    """Return the session of that pid; only one that a person could have seen, in this database."""
    found = {session.pid: session for session in activity.sessions}.get(pid)
    if found is None:
        raise UsageError(
            f"pid {pid} is not among those that are shown", hint="`blockers` shows them; one may have gone"
        )
    if found.database != database:
        raise UsageError(f"pid {pid} is not connected to {database}, and is not ended from here")
    return found


def _end(call: Invocation, engine: Engine, session: ServerSession) -> None:
    if not engine.end_session(session):
        raise TryLater(
            f"pid {session.pid} was told to end and is still there", hint="it goes when it next looks; see `blockers`"
        )
    if call.json:
        call.document({"environment": call.settings.environment, "terminated": session.pid})
    else:
        call.screen.result(f"pid {session.pid} has gone; what it had not committed is rolled back.")


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    command(
        app,
        "blockers",
        example="migration-manager blockers --env production\nmigration-manager blockers --terminate 4711",
    )(blockers)
