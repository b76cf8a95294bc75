"""The command that compares an environment with what its migrations make, and the same before a baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from migration_manager.cli.invocation import Invocation
from migration_manager.cli.options import command
from migration_manager.errors import DriftFound, Exit
from migration_manager.render.words import counted

if TYPE_CHECKING:
    from migration_manager.config import Settings
    from migration_manager.drifting import DriftReport
    from migration_manager.model import Plan
    from migration_manager.runner import Workplace

Owners = Annotated[bool, typer.Option("--owners", help="Owners and privileges, too.")]
Ignore = Annotated[
    list[str] | None,
    typer.Option("--ignore", metavar="OBJECT", help='Leave it out, as in "extension pg_stat_*". May be repeated.'),
]


def drift(call: Invocation, owners: Owners = False, ignore: Ignore = None) -> Exit:
    """Compare the environment's schema with what its applied migrations make in a scratch database.

    Exits 4 when they differ. Reads the environment's catalog, and writes nothing there.
    """
    from migration_manager import drifting
    from migration_manager.render.drift import drift_document, show_drift

    settings = call.settings
    with (
        call.workplace(settings, folder_needed=False) as at,
        call.scratch(settings, at.engine.identify()) as scratch,
    ):
        bench = call.bench(settings, scratch, at.preparer)
        compared = drifting.Compared(owners=owners, ignored=tuple(ignore or ()))
        report = drifting.drift(at.engine, at.migrations, settings.environment, bench, compared)
    for note in report.notes:
        call.screen.warning(note)
    if call.json:
        call.document(drift_document(report))
    else:
        show_drift(call.screen, report)
    return Exit.DISAGREE if report.differences else Exit.DONE


def check_baseline(call: Invocation, settings: Settings, at: Workplace, plan: Plan, *, accepted: bool) -> str | None:
    """Compare a database with what a baseline is about to say of it; return what the log should keep of that.

    Raises `DriftFound` where they differ, unless that is `accepted`. None where there is nothing to record.
    """
    from migration_manager import drifting

    if not plan.steps:
        return None
    with call.scratch(settings, at.engine.identify()) as scratch:
        bench = call.bench(settings, scratch, at.preparer)
        applied = drifting.as_applied(at.engine, at.engine.recorded(), at.migrations, bench)
        tasks = (*applied, *drifting.steps_as_tasks(plan.steps, bench))
        report = drifting.compare(at.engine, tasks, settings.environment, bench, drifting.Compared())
    for note in report.notes:
        call.screen.warning(note)
    if not report.differences:
        return "verified: the database is what the files make"
    if not accepted:
        raise _refused(report)
    for one in report.differences:
        call.screen.warning(drifting.in_words(one))
    return f"accepted: {counted(len(report.differences), 'difference')} from what the files make"


def _refused(report: DriftReport) -> DriftFound:
    from migration_manager.drifting import in_words

    return DriftFound(
        f"the database is not what these files make, in {counted(len(report.differences), 'way')}:",
        [in_words(one) for one in report.differences],
        hint="mend the files or the database; or baseline up to an earlier migration; or --accept-differences",
        state="nothing was recorded",
    )


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    command(
        app,
        "drift",
        example='migration-manager drift --env production\nmigration-manager drift --ignore "extension pg_*"',
    )(drift)
