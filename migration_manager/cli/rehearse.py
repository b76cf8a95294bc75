"""The command that rehearses pending migrations: their locks, what they rewrite and read, and how much that is."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from migration_manager.cli.invocation import How, Invocation
from migration_manager.cli.options import Confirm, Name, Steps, To, Yes, command
from migration_manager.cli.progress import show_count
from migration_manager.errors import ConfigError, Exit, UsageError
from migration_manager.model import Dialect, Migration, Script, Source, major_of
from migration_manager.render.screen import DIM, Screen

if TYPE_CHECKING:
    from migration_manager.config import Settings
    from migration_manager.engines.base import Engine
    from migration_manager.model import Preview
    from migration_manager.plan import Forward
    from migration_manager.rehearsal import Rehearsal

_SEQUENCES = "sequences do not go back: numbers that were taken from them meanwhile stay taken"
_EARLIER_LOCKS = "all files ran in one transaction: what an earlier one locked stays locked in a later one"


def rehearse(
    call: Invocation,
    to: To = None,
    steps: Steps = None,
    name: Name = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="As Markdown, for a comment on a pull request.")] = False,
    on_target: Annotated[
        bool,
        typer.Option("--on-target", help="In the environment's own database, in a transaction that is rolled back."),
    ] = False,
    yes: Yes = False,
    confirm: Confirm = None,
) -> Exit:
    """Rehearse pending migrations in a scratch copy of the environment's schema, then prove their rollbacks.

    Tells of each statement how long it took on empty tables, the locks it takes on tables that are there with what they
    block, what it rewrites or reads as a whole, and how much that is in the environment, by its statistics. Nothing is
    locked there beyond what pg_dump --schema-only takes.
    """
    from migration_manager.plan import Forward

    if markdown and call.json:
        raise UsageError("--markdown and --json do not go together")
    if name is not None and (to is not None or steps is not None):
        raise UsageError(f"--name and {'--to' if to is not None else '--steps'} do not go together")
    if not on_target and (yes or confirm is not None):
        raise UsageError("--yes and --confirm belong to --on-target: nothing else runs in the environment's database")
    settings = call.settings
    if settings.dialect is not Dialect.POSTGRESQL:
        raise ConfigError(
            "`rehearse` is for PostgreSQL: a lock of SQLite is one on the whole file, whatever a statement does",
            hint="`prove` tries rollbacks of SQLite",
        )
    asked = Forward(to, steps, settings.out_of_order)
    telling = _Telling(call.screen, is_shown=not (markdown or call.json))
    if on_target:
        how = How(dry_run=False, yes=yes, confirm=confirm, accept_identity=False, lock_wait=None)
        done = _on_target(call, settings, asked, name, telling, how)
    else:
        done = _in_scratch(call, settings, asked, name, telling)
    return _show(call, done, markdown=markdown)


@dataclass(frozen=True, slots=True)
class _Done:
    """What a rehearsal came to: where it was, what was rehearsed, what was not, and what is to be known of it all."""

    environment: str
    where: str
    rehearsals: tuple[Rehearsal, ...] = ()
    untried: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    is_on_target: bool = False


def _show(call: Invocation, done: _Done, *, markdown: bool) -> Exit:
    from migration_manager.render.rehearsals import as_markdown, rehearsals_document, show_rehearsals

    if call.json:
        call.document(
            rehearsals_document(
                done.rehearsals,
                environment=done.environment,
                where=done.where,
                on_target=done.is_on_target,
                untried=done.untried,
                notes=done.notes,
            )
        )
    elif markdown:
        call.screen.data(
            as_markdown(
                done.rehearsals,
                environment=done.environment,
                where=done.where,
                untried=done.untried,
                notes=done.notes,
            )
        )
    else:
        show_rehearsals(call.screen, done.rehearsals, untried=done.untried, notes=done.notes)
    if any(finding.rule == "fails" for each in done.rehearsals for finding in each.findings):
        return Exit.FAILED
    return Exit.DISAGREE if any(each.open_findings for each in done.rehearsals) else Exit.DONE


# ---------------------------------------------------------------------------------------- in scratch


def _in_scratch(call: Invocation, settings: Settings, asked: Forward, name: str | None, telling: _Telling) -> _Done:
    from migration_manager import runner
    from migration_manager.names import resolve
    from migration_manager.rehearsing import rehearse as do_rehearse

    with ExitStack() as opened:
        at = opened.enter_context(call.workplace(settings))
        preview = runner.preview_migrate(at, asked)
        tell_warnings(call.screen, preview)
        pending = _migrations(preview)
        if not pending:
            return _Done(settings.environment, "")
        names = [migration.name for migration in pending]
        wanted = names if name is None else [resolve(name, names)]
        identity, sizes = at.engine.identify(), at.engine.rehearser().sizes()
        call.state = "only scratch databases were used; they are dropped"
        scratch = opened.enter_context(call.scratch(settings, identity))
        # On a server that is not ours alone, roles are not ours to make.
        schema = _schema(call, settings, at.engine, owners=scratch.owned)
        telling.begin(f"scratch databases on {scratch.shown}, sizes of {settings.environment}")
        bench = call.bench(settings, scratch, at.preparer, schema=schema, plants_rows=False)
        done = do_rehearse(bench, telling, pending, wanted, sizes)
        where, version = scratch.shown, scratch.version
    rehearsed = {each.name for each in done}
    untried = tuple(each for each in wanted if each not in rehearsed)
    theirs, ours = major_of(identity.version), major_of(version)
    same = theirs in (ours, "")
    notes = () if same else (f"{settings.environment} is PostgreSQL {theirs}, and this was rehearsed on {ours}",)
    return _Done(settings.environment, where, done, untried, notes)


def _migrations(preview: Preview) -> tuple[Migration, ...]:
    return tuple(step.migration for step in preview.plan.steps if step.migration is not None)


def _schema(call: Invocation, settings: Settings, engine: Engine, *, owners: bool) -> Script | None:
    """Return the schema of the environment as a script; None where its database is not there yet."""
    from migration_manager.schemadump import schema_dump
    from migration_manager.script import parse

    text, warnings = schema_dump(engine, call.reach(settings), owners=owners)
    for warning in warnings:
        call.screen.warning(warning)
    if not text:
        return None
    source = Source.held(f"the schema of {settings.environment}", text, "")
    return parse(source, Dialect.POSTGRESQL, rollback=False)


# ---------------------------------------------------------------------------------------- on target


def _on_target(
    call: Invocation, settings: Settings, asked: Forward, name: str | None, telling: _Telling, how: How
) -> _Done:
    from migration_manager import runner
    from migration_manager.names import resolve
    from migration_manager.rehearsing import LONGEST_WAIT, rehearse_on_target

    longest = min(settings.lock_timeout or LONGEST_WAIT, LONGEST_WAIT)
    with call.workplace(replace(settings, lock_timeout=longest), how) as at:
        call.state = "everything was rolled back"
        preview = runner.preview_migrate(at, asked)
        tell_warnings(call.screen, preview)
        names = [task.name for task in preview.tasks]
        if name is not None and names and resolve(name, names) != names[0]:
            raise UsageError(
                f"{name} comes after {names[0]}, which is pending: with --on-target they run in that order",
                hint=f"`rehearse --on-target --to {name}`",
            )
        tasks = preview.tasks if name is None else preview.tasks[:1]
        preview = replace(preview, tasks=tasks)
        identity = at.engine.identify()
        where = f"{identity.database} on {identity.server}, rolled back"
        if not tasks:
            return _Done(settings.environment, where, is_on_target=True)
        at.confirm(preview)
        telling.begin(f"{where}, locks waited for {longest} ms at most")
        done = rehearse_on_target(at, preview, telling, at.engine.rehearser().sizes())
    untried = tuple(task.name for task in tasks[len(done) :])
    notes = [_SEQUENCES]
    if len(done) > 1:
        notes.append(_EARLIER_LOCKS)
    if untried and tasks[len(done)].outside_transaction:
        notes.append(f"{untried[0]} cannot be rolled back, for it runs outside a transaction: rehearse it in scratch")
    return _Done(settings.environment, where, done, untried, tuple(notes), is_on_target=True)


def tell_warnings(screen: Screen, preview: Preview) -> None:
    """Tell what a person should know of a plan."""
    for text in preview.plan.warnings:
        screen.warning(text)


class _Telling:
    """See `rehearsing.Observer`."""

    def __init__(self, screen: Screen, *, is_shown: bool) -> None:
        self._screen = screen
        self._is_shown = is_shown

    def begin(self, where: str) -> None:
        if self._is_shown:
            self._screen.result(("rehearsed in ", DIM), where)
            self._screen.result("")

    def rehearsing(self, name: str, number: int, total: int) -> None:
        show_count(self._screen, "rehearsing", name, number, total)

    def rehearsed(self, rehearsal: Rehearsal) -> None:
        from migration_manager.render.rehearsals import show_rehearsal

        if self._is_shown:
            show_rehearsal(self._screen, rehearsal)


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    command(
        app,
        "rehearse",
        example="migration-manager rehearse --env production\n"
        "migration-manager rehearse --env production --markdown\n"
        "migration-manager rehearse --env uat --on-target",
    )(rehearse)
