"""A run that a signal ends before any line of what directs it: what it says it did is what it did."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import pytest

import migration_manager
import migration_manager.cli.app
import migration_manager.cli.progress  # now, for a module that is half imported is of no use to the next run
from migration_manager.errors import Exit
from tests.fixtures.cli import TAGS, TASKS, USERS, Project

PACKAGE = Path(migration_manager.__file__).parent
DIRECTING = {str(PACKAGE / name) for name in ("runner.py", "cli/changing.py", "cli/invocation.py", "cli/progress.py")}
# A run on PostgreSQL takes longer. Primes, so that every kind of place is met.
STRIDE = {True: 23, False: 11}


class Tracer(Protocol):
    """What `sys.settrace` takes."""

    def __call__(self, frame: FrameType, event: str, argument: object, /) -> Tracer | None: ...


@contextmanager
def interrupted_at(line: int) -> Iterator[list[str]]:
    """Raise KeyboardInterrupt before the so-manyth line of ours that runs; what is handed out says where that was."""
    seen, came = 0, list[str]()

    def trace(frame: FrameType, event: str, _argument: object) -> Tracer | None:
        nonlocal seen
        if frame.f_code.co_filename not in DIRECTING or frame.f_code.co_name == "<module>":
            return None
        seen += event == "line"
        if event == "line" and seen == line and not came:
            came.append(f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}")
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield came
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("atomic", [[], ["--atomic"]], ids=["each", "atomic"])
def test_what_a_run_says_that_is_ended_before_any_line_is_true(project: Project, atomic: list[str]) -> None:
    names = list(project.write_tables(USERS, TASKS, TAGS))
    stride, told = STRIDE[project.on_postgres], set[str]()
    line = random.randrange(stride) + 1  # noqa: S311 - in the end every line is met; the place is named where it fails
    while True:
        with interrupted_at(line) as came:
            outcome = project.run("migrate", "--json", *atomic)
        if not came:
            assert outcome.code == Exit.DONE
            break
        place = f"{came[0]}: {outcome.text}"
        assert outcome.code == Exit.INTERRUPTED, place
        applied = project.applied()
        assert [name for name, _ in project.rows_of_history()] == applied, "nothing is half done"
        document: dict[str, Any] = outcome.json if outcome.out else {"error": {"state": None}}
        if not outcome.out:  # the command had not begun, or was writing its document
            assert came[0].startswith("invocation.py"), place
        elif "error" not in document:  # it was shown before
            assert [each["name"] for each in document["done"]] == names == applied, place
        else:
            state = document["error"]["state"]
            told.add((state or "nothing").split(";")[0].split(":")[0])
            assert document["error"].get("done", applied) == applied, place
            assert "not known" not in (state or "")
            if state in ("nothing was changed", "no migration was begun"):
                assert applied == [], place
            if state is None or "run was finished" in state:
                assert applied in ([], names), place
            if state is not None and "kept" in state:
                failed = project.log("migration_name", "outcome", "error")[-1]
                assert failed == (state.split(" ")[2], "failed", "interrupted by Ctrl-C"), place
        if applied:
            project.ok("rollback", "--all")
        line += stride
    assert line > 100, "it was interrupted at many lines"
    assert {"nothing was changed", "no migration was begun"} <= told
