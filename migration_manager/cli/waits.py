"""Tells on the screen what a run waits for, who is in its way, and how far the server is with a long statement."""

from __future__ import annotations

import time
from typing import Final

from migration_manager.blocking import (
    blocked_by,
    describe_progress,
    describe_wait,
    grant_seeing,
    hidden,
    one_line,
    queued,
)
from migration_manager.durations import duration
from migration_manager.model import Identity, LockWait, ServerProgress, ServerSession, Sighting
from migration_manager.render.screen import DIM, LOOK, NAME, Screen

_TOLD_AGAIN: Final = 15.0  # seconds between two tellings of the same
_UNDER: Final = " " * 11  # what belongs to the line above begins here


class Waits:
    """What one run waits for; what is new is told at once, what goes on now and then, on a terminal in a live line."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._identity: Identity | None = None
        self._of = ""  # what runs
        self._try = ""  # which try it is, where it is not the first
        self._told: object = None
        self._queue = 0  # so many sessions were told to queue behind us
        self._told_at = 0.0
        self._told_grant = False
        self._progress: ServerProgress | None = None

    def run_started(self, identity: Identity) -> None:
        self._identity = identity

    def task_started(self, name: str) -> None:
        self._of, self._try, self._told, self._progress = name, "", None, None

    def remark(self) -> str:
        """Return what is left to say of the task that is done, for the end of its line."""
        return f"   {self._progress.what} 100 %" if self._progress else ""

    def trying_again(self, name: str, tries: int, most: int, pause: float, why: str) -> None:
        """Tell that so many tries have failed, and when the next one comes."""
        after = duration(round(pause * 1000))
        self._screen.message(
            ("  waiting  ", LOOK), (name, NAME), f"  {why}; try {tries + 1} of {most} in {after}", (" ", "")
        )
        self._try, self._told = f", try {tries + 1} of {most}", None

    def sighted(self, sighting: Sighting) -> None:
        """Tell what our own session was seen to wait for, or how far it is."""
        if sighting.wait is not None:
            self._waits(sighting.wait, sighting.seconds)
        elif sighting.progress is not None:
            self._goes_on(sighting.progress, sighting.seconds)

    def _waits(self, wait: LockWait, seconds: float) -> None:
        now = time.monotonic()
        what = describe_wait(wait) + self._try
        facts = (what, tuple((one.pid, one.gid) for one in wait.blockers))
        if facts != self._told or now - self._told_at > _TOLD_AGAIN:
            self._told, self._told_at, self._queue = facts, now, wait.queued
            self._screen.message(("  waiting  ", LOOK), *self._name(), what)
            for blocker, line in zip(wait.blockers, blocked_by(wait), strict=True):
                self._screen.message(_UNDER, line)
                self._quote(blocker)
            if (behind := queued(wait)) is not None:
                self._screen.message(_UNDER, behind)
            self._help(wait)
        elif wait.queued > 2 * self._queue:
            self._queue = wait.queued
            self._screen.message(_UNDER, queued(wait) or "")
        if self._screen.is_live:
            behind = f"; {queued(wait)}" if wait.queued else ""
            self._screen.live(("  waiting  ", LOOK), f"{what}, {duration(round(seconds) * 1000)}{behind}")

    def _name(self) -> list[tuple[str, str]]:
        return [(self._of, NAME), ("  ", "")] if self._of else []

    def _quote(self, blocker: ServerSession) -> None:
        query = one_line(blocker.query, self._screen.clean)
        if query is not None and blocker.state == "active":
            self._screen.message(_UNDER, (f"  {query}", DIM))
        elif query is not None:
            self._screen.message(_UNDER, (f"  last: {query}", DIM))

    def _help(self, wait: LockWait) -> None:
        if self._identity is not None and hidden(wait) and not self._told_grant:
            self._told_grant = True
            self._screen.message(_UNDER, (grant_seeing(self._identity.user), DIM))

    def _goes_on(self, progress: ServerProgress, seconds: float) -> None:
        self._progress = progress
        now = time.monotonic()
        if not self._screen.is_live and now - self._told_at < _TOLD_AGAIN:
            return
        self._told_at = now
        phase = f"  {progress.phase}" if progress.phase else ""
        text = f"{describe_progress(progress)}{phase}, {duration(round(seconds) * 1000)}"
        self._screen.live(("  running    ", DIM), "  ", *self._name(), text)
