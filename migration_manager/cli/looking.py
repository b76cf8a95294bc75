"""Commands that only look: status, history, verify, config. They write nothing, not even a folder."""

from __future__ import annotations

from typing import Annotated

import typer

from migration_manager.cli.invocation import Invocation
from migration_manager.cli.options import Name, command
from migration_manager.errors import Exit, MigrationManagerError
from migration_manager.model import LogRow, OutOfOrder, Status, StatusReport
from migration_manager.render import documents, text
from migration_manager.render.screen import BAD, NAME

PROBLEMS = (Status.CHANGED, Status.MISSING, Status.UNFINISHED)


def status(
    call: Invocation,
    check: Annotated[bool, typer.Option("--check", help="Exit 3 when migrations are pending, 4 on a problem.")] = False,
    all_environments: Annotated[
        bool, typer.Option("--all-environments", "-a", help="Every configured environment beside each other.")
    ] = False,
) -> Exit:
    """Show what is applied, pending, changed, missing, out of order, unfinished."""
    if all_environments:
        return _matrix(call, check=check)
    report = _status_of(call)
    if call.json:
        call.document(documents.status(report))
    else:
        for warning in report.warnings:
            call.screen.warning(warning)
        text.show_status(call.screen, report, _next(call, report))
    return _verdict(report, call.settings.out_of_order) if check else Exit.DONE


def _next(call: Invocation, report: StatusReport) -> str | None:
    """Return the command that a person would want next; None when there is none."""
    state = report.survey
    if not state.standings:
        return 'migration-manager create --name "…"'
    if state.having(Status.CHANGED):
        return call.again("verify", report.environment)
    if state.having(Status.MISSING):
        return None
    if state.having(Status.UNFINISHED):
        return call.again("resume", report.environment)
    if not state.pending:
        return None
    return call.again("migrate", report.environment)


def _status_of(call: Invocation, environment: str | None = None) -> StatusReport:
    from migration_manager import runner

    settings = call.settings if environment is None else call.load_settings(environment=environment)
    with call.workplace(settings) as at:
        return runner.status(at)


def _verdict(report: StatusReport, policy: OutOfOrder) -> Exit:
    if report.survey.having(*PROBLEMS) or (report.survey.out_of_order and policy is OutOfOrder.REFUSE):
        return Exit.DISAGREE
    return Exit.PENDING if report.survey.pending else Exit.DONE


def _matrix(call: Invocation, *, check: bool) -> Exit:
    """Show all environments; one that cannot be asked is shown as such and counts as a problem."""
    columns: list[tuple[str, StatusReport | str]] = []
    worst = Exit.DONE
    for environment in call.settings.environments:
        try:
            report = _status_of(call, environment)
            columns.append((environment, report))
            worst = max(worst, _verdict(report, call.load_settings(environment=environment).out_of_order))
        except MigrationManagerError as error:
            columns.append((environment, error.message))
            worst = max(worst, error.exit_code)
    if call.json:
        call.document(
            {
                "environments": [
                    {"environment": environment, "error": report}
                    if isinstance(report, str)
                    else documents.status(report)
                    for environment, report in columns
                ]
            }
        )
    else:
        text.show_matrix(call.screen, columns)
    return worst if check else Exit.DONE


def history(
    call: Invocation,
    name: Name = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="The newest so many.", min=1)] = 50,
) -> None:
    """Show the log: when, what, who, how long, from where, and how it ended; failures too."""
    with call.workplace(call.settings, folder_needed=False) as at:
        full = None if name is None else _known_name(at.engine.log(), name)
        rows = at.engine.log(name=full, limit=limit)
    if call.json:
        call.document({"environment": call.settings.environment, "log": [documents.log_row(row) for row in rows]})
    else:
        text.show_history(call.screen, tuple(reversed(rows)))


def _known_name(rows: tuple[LogRow, ...], asked: str) -> str:
    from migration_manager.names import resolve

    return resolve(asked, sorted({row.name for row in rows if row.name is not None}))


def verify(call: Invocation) -> Exit:
    """Compare applied migrations with their files, as a text diff of what changed.

    Changes in comments or blank lines only are shown and exit 0.
    """
    from migration_manager import runner

    with call.workplace(call.settings) as at:
        report = runner.status(at)
        differences = runner.verify(at)
    missing = report.survey.having(Status.MISSING, Status.UNFINISHED)
    checked = sum(1 for s in report.survey.standings if s.applied is not None and s.migration is not None)
    if call.json:
        call.document(
            {
                "environment": call.settings.environment,
                "checked": checked,
                "differences": [documents.difference(d) for d in differences],
                "missing": [s.name for s in report.survey.having(Status.MISSING)],
                "unfinished": [s.name for s in report.survey.having(Status.UNFINISHED)],
            }
        )
    else:
        text.show_differences(call.screen, differences, checked)
        for standing in missing:
            call.screen.result((standing.name, NAME), f"  {standing.status.value}")
    serious = any(not d.cosmetic for d in differences) or bool(missing)
    return Exit.DISAGREE if serious else Exit.DONE


def config(call: Invocation) -> Exit:
    """Show every effective setting and where it comes from; secrets are masked."""
    found = call.examine()
    if call.json:
        call.document(
            {
                "environment": found.settings.environment if found.settings else None,
                "settings": [{"key": o.key, "value": o.value, "origin": o.origin} for o in found.origins],
                "problems": list(found.problems),
            }
        )
    else:
        text.show_origins(call.screen, found.origins)
        for problem in found.problems:
            call.screen.error(("error: ", BAD), problem)
    return Exit.USAGE if found.problems else Exit.DONE


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    command(app, "status", example="migration-manager status --env uat\nmigration-manager status --check")(status)
    command(app, "history", example="migration-manager history --name add_user_preferences")(history)
    command(app, "verify", aliases=("validate",), example="migration-manager verify --env production")(verify)
    command(app, "config", example="migration-manager config --env uat")(config)
