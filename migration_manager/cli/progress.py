"""Tells a run's progress on the screen, a line when a task is done and recorded; never before that is known.

A script that takes long has a bar: on a terminal one line that is drawn again and again, elsewhere a line now and then.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

from migration_manager.cli.waits import Waits
from migration_manager.errors import SqlFailed, describe_holder
from migration_manager.model import Identity, LockHolder, Notice, Sighting, Task, TaskResult
from migration_manager.render.screen import DIM, LOOK, NAME, Screen
from migration_manager.render.text import done_line, identity_line
from migration_manager.render.words import duration, size

_REDRAWN: Final = 0.25  # seconds between two looks of a bar
_BAR: Final = 30  # characters of a bar, where there is room for one
_COUNT_BAR: Final = 20
_SHORTEST_BAR: Final = 8
_TOLD_AGAIN: Final = 15.0  # seconds between two lines about it, where there is no terminal


def show_count(screen: Screen, word: str, name: str, number: int, total: int) -> None:
    """Draw which of so many things is being done; on a terminal only."""
    if screen.is_live:
        bar = f"[{'#' * round(_COUNT_BAR * (number - 1) / total):<{_COUNT_BAR}}] {number} of {total}  "
        screen.live((f"  {word}  {bar}", DIM), (name, NAME))


class Progress:
    """See `runner.Observer`."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._waits = Waits(screen)
        self._told_at = 0.0
        self._width = 0
        self._of = ("", "")  # what the bar is about, and since when
        self._began = self._drawn = 0.0
        self._done = 0

    def run_started(self, environment: str, identity: Identity, tasks: Sequence[Task]) -> None:
        self._width = max(len(task.name) for task in tasks)
        self._waits.run_started(identity)
        self._screen.result(*identity_line(environment, identity))
        self._screen.result("")

    def task_started(self, task: Task, number: int, total: int) -> None:
        self._waits.task_started(task.name)
        if self._screen.verbose:
            self._screen.message(("  running      ", DIM), (task.name, NAME), (f"  {number} of {total}", DIM))

    def task_finished(self, result: TaskResult, number: int, total: int) -> None:
        self._screen.result(
            *done_line(result.action, result.name.ljust(self._width), result.execution_ms, rows=result.rows),
            (self._waits.remark(), DIM),
        )

    def trying_again(self, task: Task, tries: int, most: int, pause: float, why: SqlFailed) -> None:
        reason = "not free within lock_timeout" if why.code == "55P03" else why.message
        self._waits.trying_again(task.name, tries, most, pause, reason)

    # --------------------------------------------------------------------------------- inside a task

    def noticed(self, notice: Notice) -> None:
        """Tell what the server said, and which line of a script made it say so."""
        place = "" if notice.path is None else f"{notice.path}:{notice.line}: " if notice.line else f"{notice.path}: "
        if notice.severity == "WARNING":
            self._screen.prose(f"{place}warning: ", LOOK, notice.text)
        else:
            self._screen.quote(f"  {place}{notice.severity.lower()}: {notice.text}")

    def reading(self, path: str, done: int, total: int) -> None:
        """Tell how much of a script has been read, to see what it holds."""
        self._bar("reading", path, done, total)

    def advanced(self, path: str, done: int, total: int) -> None:
        """Tell how much of a script has been run."""
        self._bar("running", path, done, total)

    def sighted(self, sighting: Sighting) -> None:
        """Tell what our own session waits for, or how far the server is with it."""
        self._waits.sighted(sighting)

    def _bar(self, what: str, path: str, done: int, total: int) -> None:
        now = time.monotonic()
        if self._of != (what, path) or done < self._done:
            self._of, self._began, self._drawn = (what, path), now, now
        self._done = done
        pause = _REDRAWN if self._screen.is_live else _TOLD_AGAIN
        if now - self._drawn < pause or done >= total:
            return
        self._drawn = now
        left = (now - self._began) * (total - done) / done if done else 0.0
        name = PurePath(path).stem
        text = f"{done / total:4.0%}  {size(done)} of {size(total)}, {duration(round(left) * 1000)} left"
        room = self._screen.columns - len(f"  {what:<11}    {text}") - 4
        if self._screen.is_live and len(name) > room:
            name = name[: max(room - 1, 0)] + "…"
        bar = min(_BAR, room - len(name) - 3)
        if bar >= _SHORTEST_BAR:
            text = f"[{'#' * round(bar * done / total):<{bar}}] {text}"
        self._screen.live((f"  {what:<11}", DIM), "  ", (name, NAME), f"  {text}")

    def waiting_for_lock(self, holder: LockHolder | None, seconds: float) -> None:
        if seconds - self._told_at < 5 and self._told_at:
            return
        self._told_at = seconds
        who = "another run" if holder is None else describe_holder(holder)
        waited = duration(round(seconds * 1000))
        self._screen.message(("  waiting  ", LOOK), f"the migration lock is held by {who}; waiting for {waited}")

    def warned(self, text: str) -> None:
        self._screen.warning(text)
