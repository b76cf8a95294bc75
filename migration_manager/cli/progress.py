"""Tells a run's progress on the screen, a line when a task is done and recorded; never before that is known."""

from __future__ import annotations

from collections.abc import Sequence

from migration_manager.errors import describe_holder
from migration_manager.model import Identity, LockHolder, Task, TaskResult
from migration_manager.render.screen import DIM, LOOK, NAME, Screen
from migration_manager.render.text import done_line, identity_line
from migration_manager.render.words import duration


class Progress:
    """See `runner.Observer`."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._told_at = 0.0
        self._width = 0

    def run_started(self, environment: str, identity: Identity, tasks: Sequence[Task]) -> None:
        self._width = max(len(task.name) for task in tasks)
        self._screen.result(*identity_line(environment, identity))
        self._screen.result("")

    def task_started(self, task: Task, number: int, total: int) -> None:
        if self._screen.verbose:
            self._screen.message(("  running      ", DIM), (task.name, NAME), (f"  {number} of {total}", DIM))

    def task_finished(self, result: TaskResult, number: int, total: int) -> None:
        self._screen.result(*done_line(result.action, result.name.ljust(self._width), result.execution_ms))

    def waiting_for_lock(self, holder: LockHolder | None, seconds: float) -> None:
        if seconds - self._told_at < 5 and self._told_at:
            return
        self._told_at = seconds
        who = "another run" if holder is None else describe_holder(holder)
        waited = duration(round(seconds * 1000))
        self._screen.message(("  waiting  ", LOOK), f"the migration lock is held by {who}; waiting for {waited}")

    def warned(self, text: str) -> None:
        self._screen.warning(text)
