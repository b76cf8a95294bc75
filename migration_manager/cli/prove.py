"""The command that proves rollbacks in a scratch database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from migration_manager.cli.invocation import Invocation
from migration_manager.cli.options import Name, Since, command
from migration_manager.cli.progress import show_count
from migration_manager.errors import Exit, UsageError
from migration_manager.render.screen import DIM, Screen

if TYPE_CHECKING:
    from migration_manager.proof import Proof


def prove(
    call: Invocation,
    name: Name = None,
    last: Annotated[int | None, typer.Option("--last", metavar="N", help="Only the newest so many.", min=1)] = None,
    since: Since = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="As Markdown, for a comment on a pull request.")] = False,
) -> Exit:
    """Prove in a scratch database that every rollback restores what its migration changed.

    Each migration goes up, down, and up again; the catalog is compared after each, and every object that is not as it
    was is named. The environment's own database is not touched.
    """
    from migration_manager.names import resolve
    from migration_manager.prepare import Preparer
    from migration_manager.proving import prove as do_prove
    from migration_manager.render.proofs import as_markdown, proofs_document, show_proofs
    from migration_manager.since import names_since

    chosen = [o for o, given in (("--name", name), ("--last", last), ("--since", since)) if given is not None]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} do not go together")
    if markdown and call.json:
        raise UsageError("--markdown and --json do not go together")
    settings, notes = call.settings_of_files()
    preparer = Preparer(settings.dialect, shown_from=Path.cwd(), environments=settings.environments)
    every, _ = call.migrations(settings)
    migrations = [each for each in every if preparer.is_for(each, settings.environment)]
    names = [migration.name for migration in migrations]
    wanted = frozenset(names if last is None else names[-last:])
    if name is not None:
        full = resolve(name, [migration.name for migration in every])
        if full not in names:
            raise UsageError(f"{full} is for other environments than {settings.environment}", hint="--env names one")
        wanted = frozenset({full})
    if since is not None:
        wanted &= names_since(since, settings.migrations).names
    for note in notes:
        call.screen.message(note)
    telling = _Telling(call.screen, is_shown=not (markdown or call.json))
    proofs: tuple[Proof, ...] = ()
    shown = None
    if wanted:
        call.state = "only scratch databases were used; they are dropped"
        with call.scratch(settings) as scratch:
            shown = scratch.shown
            telling.begin(shown)
            proofs = do_prove(call.bench(settings, scratch, preparer), migrations, wanted, telling)
    tried = {proof.name for proof in proofs}
    untried = [each for each in names if each in wanted and each not in tried]
    if call.json:
        call.document(proofs_document(proofs, environment=settings.environment, scratch=shown, untried=untried))
    elif markdown:
        call.screen.data(as_markdown(proofs, scratch=shown, untried=untried))
    else:
        none = "there are no migrations" if since is None else f"no migration here was added or changed since {since}"
        show_proofs(call.screen, proofs, untried=len(untried), nothing=f"nothing to prove: {none}.")
    return Exit.DISAGREE if any(proof.open_findings for proof in proofs) else Exit.DONE


class _Telling:
    """See `proving.Observer`."""

    def __init__(self, screen: Screen, *, is_shown: bool) -> None:
        self._screen = screen
        self._is_shown = is_shown

    def begin(self, scratch: str) -> None:
        if self._is_shown:
            self._screen.result(("scratch databases on ", DIM), scratch)
            self._screen.result("")

    def proving(self, name: str, number: int, total: int) -> None:
        show_count(self._screen, "proving", name, number, total)

    def proved(self, proof: Proof) -> None:
        from migration_manager.render.proofs import show_proof

        if self._is_shown:
            show_proof(self._screen, proof)


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    command(
        app,
        "prove",
        example="migration-manager prove\nmigration-manager prove --last 3\n"
        "migration-manager prove --since origin/main --markdown",
    )(prove)
