"""Commands that change a database through its migrations: migrate, rollback, baseline, forget, repair."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from migration_manager import runner
from migration_manager.cli.drift import check_baseline
from migration_manager.cli.dump import keep_schema_file
from migration_manager.cli.invocation import How, Invocation
from migration_manager.cli.options import (
    Name,
    Reason,
    RequiredName,
    Steps,
    To,
    ToStays,
    command,
)
from migration_manager.config import Settings
from migration_manager.errors import FileError, UsageError
from migration_manager.model import OutOfOrder, Plan, Preview, RunReport, names
from migration_manager.outfile import read_file, write_file
from migration_manager.plan import Back, Forward
from migration_manager.render import documents, text
from migration_manager.render.dump import show_written
from migration_manager.render.screen import NAME
from migration_manager.render.words import counted
from migration_manager.resuming import Doubt

Atomic = Annotated[bool, typer.Option("--atomic", help="All in one transaction: everything or nothing.")]
LateOnes = Annotated[OutOfOrder | None, typer.Option("--out-of-order", help="Instead of the environment's policy.")]
AllowMissing = Annotated[
    bool, typer.Option("--allow-missing", help="Go on although files of applied migrations are gone.")
]


def migrate(
    call: Invocation,
    how: How,
    to: To = None,
    steps: Steps = None,
    atomic: Atomic = False,
    out_of_order: LateOnes = None,
    allow_missing: AllowMissing = False,
    plan: Annotated[
        str | None, typer.Option("--plan", metavar="FILE", help="Exactly what `plan -o FILE` saved, or nothing.")
    ] = None,
) -> None:
    """Apply pending migrations in order, each in a transaction of its own together with its record."""
    if plan is not None:
        _refuse_beside_a_plan(how, to, steps, out_of_order, atomic=atomic, allow_missing=allow_missing)
        _migrate_as_saved(call, how, plan)
        return
    settings = call.load_settings(lock_wait=how.lock_wait, out_of_order=out_of_order and out_of_order.value)
    asked = Forward(to, steps, settings.out_of_order, allow_missing)
    with call.workplace(settings, how) as at:
        any_files = bool(at.migrations)
        if how.dry_run:
            preview = runner.preview_migrate(at, asked, atomic=atomic)
            _show_preview(call, settings, preview, _nothing_to_apply(preview.plan.left, any_files=any_files))
        else:
            report = runner.migrate(at, asked, atomic=atomic)
            _show_run(call, settings, report, _nothing_to_apply(report.left, any_files=any_files))


def _refuse_beside_a_plan(
    how: How, to: str | None, steps: int | None, out_of_order: OutOfOrder | None, *, atomic: bool, allow_missing: bool
) -> None:
    given = [o for o, is_given in (
        ("--to", to is not None), ("--steps", steps is not None), ("--atomic", atomic),
        ("--out-of-order", out_of_order is not None), ("--allow-missing", allow_missing),
        ("--accept-identity", how.accept_identity),
    ) if is_given]  # fmt: skip
    if given:
        raise UsageError(
            f"{' and '.join(given)} {'does' if len(given) == 1 else 'do'} not go with --plan",
            hint="a saved plan says all of that itself; give it to `plan -o FILE`",
        )


def _migrate_as_saved(call: Invocation, how: How, path: str) -> None:
    from migration_manager.savedplan import decoded

    found = read_file(Path(path), path)
    if found is None:
        raise FileError("there is no such file", path=path, hint="`plan -o FILE` writes one")
    saved = decoded(found, path)
    settings = call.load_settings(lock_wait=how.lock_wait)
    with call.workplace(settings, how) as at:
        if how.dry_run:
            preview = runner.preview_saved(at, saved, path)
            _show_preview(call, settings, preview, _nothing_of_a_plan(preview.plan))
        else:
            report = runner.migrate_as_saved(at, saved, path)
            _show_run(call, settings, report, _nothing_of_a_plan(report.plan))


def _nothing_of_a_plan(plan: Plan | None) -> str:
    if plan is None or not plan.done_by:
        return "nothing to do: the plan has no migration."
    return f"nothing to do: the plan was carried out by run {' and '.join(plan.done_by)}."


def plan(
    call: Invocation,
    to: To = None,
    steps: Steps = None,
    atomic: Atomic = False,
    out_of_order: LateOnes = None,
    allow_missing: AllowMissing = False,
    file: Annotated[
        str | None, typer.Option("--out", "-o", metavar="FILE", help="Save it there; - is standard output.")
    ] = None,
) -> None:
    """Show what migrate would do, as its --dry-run does, and save that with -o, to be reviewed.

    `migrate --plan FILE` carries out exactly that, or nothing: it exits 6 when a file, the history or the database is
    another one by then.
    """
    from migration_manager.savedplan import encoded

    settings = call.load_settings(out_of_order=out_of_order and out_of_order.value)
    asked = Forward(to, steps, settings.out_of_order, allow_missing)
    with call.workplace(settings) as at:
        preview, saved = runner.save_migrate(at, asked, datetime.now(UTC).isoformat(timespec="seconds"), atomic=atomic)
        nothing = _nothing_to_apply(preview.plan.left, any_files=bool(at.migrations))
    if file == "-":
        for text in preview.warnings:
            call.screen.warning(text)
        call.screen.document(encoded(saved).removesuffix("\n"))
        return
    if file is not None:
        write_file(Path(file), encoded(saved), file)
        preview = replace(preview, plan=replace(preview.plan, saved_in=file))
    _show_preview(call, settings, preview, nothing)
    if file is not None and not call.json:
        command = call.again(f"migrate --plan {shlex.quote(file)}", settings.environment)
        call.screen.result("saved in ", (file, NAME))
        if preview.tasks:
            call.screen.result("carry it out with: ", (command, NAME))


def rollback(
    call: Invocation,
    how: How,
    name: Name = None,
    steps: Annotated[int | None, typer.Option("--steps", metavar="N", help="The newest so many. Bare: one.")] = None,
    to: ToStays = None,
    run: Annotated[str | None, typer.Option("--run", metavar="ID", help="Everything that run applied.")] = None,
    last_run: Annotated[bool, typer.Option("--last-run", help="Everything the newest run applied.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Everything that is applied.")] = False,
    cascade: Annotated[bool, typer.Option("--cascade", help="What was applied after it, too.")] = False,
) -> None:
    """Roll back applied migrations with their rollback scripts, newest first.

    A rollback script whose file is gone is taken from the copy kept when the migration was applied. What a script
    loses, as DROP TABLE does, is told first.
    """
    chosen = [o for o, given in (
        ("--name", name is not None), ("--steps", steps is not None), ("--to", to is not None),
        ("--run", run is not None), ("--last-run", last_run), ("--all", everything),
    ) if given]  # fmt: skip
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} do not go together")
    asked = Back(name, steps, to, run, last_run, everything, cascade)
    settings = call.load_settings(lock_wait=how.lock_wait)
    with call.workplace(settings, how, folder_needed=False) as at:
        if how.dry_run:
            _show_preview(call, settings, runner.preview_rollback(at, asked), "nothing to roll back.")
        else:
            _show_run(call, settings, runner.rollback(at, asked), "nothing to roll back.")


def baseline(
    call: Invocation,
    how: How,
    to: To = None,
    name: Name = None,
    everything: Annotated[bool, typer.Option("--all", help="Every pending migration.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="First compare the database with what the files make; exit 4 if not.")
    ] = False,
    accept_differences: Annotated[
        bool, typer.Option("--accept-differences", help="Record although they differ; the log keeps how often.")
    ] = False,
    reason: Reason = None,
) -> None:
    """Record migrations as applied without running them: for a database that was made another way."""
    if sum((to is not None, name is not None, everything)) != 1:
        raise UsageError("baseline takes one of --to NAME, --name NAME and --all")
    if accept_differences and not verify:
        raise UsageError("--accept-differences goes with --verify")
    settings = call.load_settings(lock_wait=how.lock_wait)
    with call.workplace(settings, how) as at:
        preview = runner.preview_baseline(at, to=to, name=name)
        if verify:
            verdict = check_baseline(call, settings, at, preview.plan, accepted=accept_differences)
            reason = "; ".join(filter(None, (reason, verdict))) or None
        if how.dry_run:
            _show_preview(call, settings, preview, "nothing to record.")
        else:
            verified = names(preview.plan.steps) if verify else None
            report = runner.baseline(at, to=to, name=name, reason=reason, verified=verified)
            _show_run(call, settings, report, "nothing to record.")


def forget(
    call: Invocation,
    how: How,
    name: RequiredName,
    reason: Reason = None,
) -> None:
    """Delete a migration's history row without running anything: it is pending again. The log keeps all."""
    settings = call.load_settings(lock_wait=how.lock_wait)
    with call.workplace(settings, how, folder_needed=False) as at:
        if how.dry_run:
            _show_preview(call, settings, runner.preview_forget(at, name), "nothing to forget.")
        else:
            _show_run(call, settings, runner.forget(at, name, reason=reason), "nothing to forget.")


def repair(
    call: Invocation,
    how: How,
    name: Name = None,
    everything: Annotated[bool, typer.Option("--all", help="Every changed migration.")] = False,
    reason: Reason = None,
) -> None:
    """Accept changed files: replace their recorded checksums, with a reason that the log keeps."""
    if (name is None) != everything:
        raise UsageError("repair takes --name NAME or --all")
    if reason is None and not how.dry_run:
        raise UsageError("repair takes a reason", hint='--reason "the comment at the top was corrected"')
    settings = call.load_settings(lock_wait=how.lock_wait)
    with call.workplace(settings, how) as at:
        if how.dry_run:
            _show_preview(
                call, settings, runner.preview_repair(at, name), "nothing to accept: no applied file changed."
            )
        else:
            _show_run(
                call, settings, runner.repair(at, name, reason=reason), "nothing to accept: no applied file changed."
            )


def resume(
    call: Invocation,
    how: How,
    name: Name = None,
    again: Annotated[bool, typer.Option("--again", help="Run the statement that may have run once more.")] = False,
    skip: Annotated[bool, typer.Option("--skip", help="Take the statement it stopped at for done.")] = False,
    mark_applied: Annotated[
        bool, typer.Option("--mark-applied", help="Run nothing: a person finished it by hand.")
    ] = False,
    mark_rolled_back: Annotated[
        bool, typer.Option("--mark-rolled-back", help="Run nothing: a person undid it by hand.")
    ] = False,
    reason: Reason = None,
) -> None:
    """Go on with a no-transaction migration that stopped half-way, at the statement that is not done.

    Statements that are kept must be unchanged in the file. An invalid index that the last one left behind is dropped
    first, a partition that is half detached is detached.
    """
    chosen = [o for o, given in (
        ("--again", again), ("--skip", skip),
        ("--mark-applied", mark_applied), ("--mark-rolled-back", mark_rolled_back),
    ) if given]  # fmt: skip
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} do not go together")
    marks = mark_applied or mark_rolled_back
    if reason is not None and not marks:
        raise UsageError("--reason goes with --mark-applied and --mark-rolled-back")
    doubt = Doubt.AGAIN if again else Doubt.SKIP if skip else Doubt.ASK
    settings = call.load_settings(lock_wait=how.lock_wait)
    nothing = "nothing to resume: no migration is unfinished."
    with call.workplace(settings, how, folder_needed=False) as at:
        if how.dry_run:
            preview = (
                runner.preview_mark(at, name, applied=mark_applied) if marks else runner.preview_resume(at, name, doubt)
            )
            _show_preview(call, settings, preview, nothing)
        else:
            report = (
                runner.mark(at, name, applied=mark_applied, reason=reason) if marks else runner.resume(at, name, doubt)
            )
            _show_run(call, settings, report, nothing)


def _show_preview(call: Invocation, settings: Settings, preview: Preview, nothing: str) -> None:
    if call.json:
        call.document(documents.preview(preview, settings.environment))
    else:
        text.show_preview(call.screen, preview, nothing=nothing)


def _show_run(call: Invocation, settings: Settings, report: RunReport, nothing: str) -> None:
    call.state = f"the run was finished before that: {counted(len(report.finished), 'migration')} done"
    kept = keep_schema_file(call, settings) if report.finished else None
    if call.json:
        of_file = None if kept is None else {"path": kept.path, "written": kept.written, "error": kept.error}
        call.document({**documents.run(report, settings.environment), "schema_file": of_file})
    else:
        undo = call.again(f"rollback --run {report.undone_by}", settings.environment)
        text.show_run(call.screen, report, nothing=nothing, undo=undo)
        if kept is not None and kept.written:
            show_written(call.screen, kept.path, changed=True)


def _nothing_to_apply(left: tuple[str, ...], *, any_files: bool) -> str:
    if left:
        return f"nothing to do: what was asked for is applied; {counted(len(left), 'migration')} after it pending."
    return "nothing to do: everything is applied." if any_files else "nothing to do: there are no migrations."


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    command(
        app,
        "migrate",
        changing=True,
        aliases=("up", "apply"),
        example="migration-manager migrate --env uat\n"
        "migration-manager migrate --dry-run\n"
        "migration-manager migrate --env production --yes --confirm app",
    )(migrate)
    command(
        app,
        "plan",
        example="migration-manager plan --env production -o plan.json\n"
        "migration-manager migrate --plan plan.json --env production",
    )(plan)
    command(
        app,
        "rollback",
        changing=True,
        aliases=("down",),
        example="migration-manager rollback --name add_user_preferences --env production\n"
        "migration-manager rollback --last-run --dry-run",
    )(rollback)
    command(
        app,
        "resume",
        changing=True,
        example="migration-manager resume --dry-run\nmigration-manager resume --env production\n"
        'migration-manager resume --mark-applied --reason "built by hand"',
    )(resume)
    command(
        app,
        "baseline",
        changing=True,
        aliases=("stamp",),
        example="migration-manager baseline --to create_users --verify --env uat",
    )(baseline)
    command(
        app, "forget", changing=True, example='migration-manager forget --name create_tags --reason "never ran here"'
    )(forget)
    command(
        app, "repair", changing=True, example='migration-manager repair --name create_tags --reason "typo in a comment"'
    )(repair)
