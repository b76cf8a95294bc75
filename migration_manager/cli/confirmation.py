"""The guard of protected environments: a person types the database's name, or a program gives it."""

from __future__ import annotations

import sys

from migration_manager.blocking import describe_session
from migration_manager.config import Settings
from migration_manager.engines.base import Engine
from migration_manager.errors import GuardRefused
from migration_manager.model import Preview, ServerSession
from migration_manager.render.screen import Screen
from migration_manager.render.text import show_confirmation


class Confirmation:
    """See `runner.Confirm`. Asks where the environment is protected, or the database says it belongs to one that is."""

    def __init__(self, screen: Screen, settings: Settings, engine: Engine, *, yes: bool, given: str | None) -> None:
        self._screen = screen
        self._settings = settings
        self._engine = engine
        self._yes = yes
        self._given = given

    def __call__(self, preview: Preview) -> bool:
        environment, identity = self._settings.environment, self._engine.identify()
        stamped = self._engine.recorded().environment
        if not self._settings.protected and stamped not in self._settings.protected_environments:
            return False
        if self._yes and self._given is not None:
            if self._given != identity.database:
                raise GuardRefused(
                    f"--confirm says {self._given}, and the database is {identity.database}",
                    state="nothing was changed",
                )
            return False
        if not can_ask():
            protected = environment if self._settings.protected else f"this database says it is {stamped}, which"
            raise GuardRefused(
                f"{protected} is protected, and there is no terminal to confirm on",
                hint=f"pass --yes --confirm {identity.database}",
                state="nothing was changed",
            )
        show_confirmation(self._screen, environment, identity, preview, stamped)
        ask_for_name(self._screen, identity.database)
        return True


def confirm_ending(
    screen: Screen, settings: Settings, engine: Engine, session: ServerSession, *, yes: bool, given: str | None
) -> None:
    """Ask whether a session may be ended; raises `GuardRefused` when not.

    A protected environment wants the database's name, as for a migration.
    """
    identity, stamped = engine.identify(), engine.recorded().environment
    protected = settings.protected or stamped in settings.protected_environments
    if yes and (given is not None or not protected):
        if protected and given != identity.database:
            raise GuardRefused(
                f"--confirm says {given}, and the database is {identity.database}", state="nothing was changed"
            )
        return
    if not can_ask():
        wanted = f"--yes --confirm {identity.database}" if protected else "--yes"
        raise GuardRefused(f"ending a session wants {wanted} where nobody can be asked", state="nothing was changed")
    screen.error(f"This ends the session of {describe_session(session)} in {identity.database} on {identity.server};")
    screen.error("what it has not committed is rolled back.")
    if protected:
        ask_for_name(screen, identity.database)
    else:
        _ask_yes(screen)


def _ask_yes(screen: Screen) -> None:
    answer = _answer(screen, "End it? [y/N] ")
    if answer.strip().lower() not in ("y", "yes"):
        raise GuardRefused("not confirmed", state="nothing was changed")


def can_ask() -> bool:
    """Return whether a person can answer a question."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask_for_name(screen: Screen, database: str) -> None:
    """Ask for the database's name; anything else, an end of input included, raises `GuardRefused`."""
    if _answer(screen, "Type the database's name to go on: ").strip() != database:
        raise GuardRefused("not confirmed", state="nothing was changed")


def _answer(screen: Screen, question: str) -> str:
    """Return what a person types; what an end of input leaves is an answer as well."""
    try:
        print(question, end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        screen.error("")
        raise
    if not answer.endswith("\n"):
        screen.error("")
    return answer
