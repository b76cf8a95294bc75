"""Locks between processes that the kernel gives back when their holder dies, and bounded waiting for them.

All are flocks: they belong to an open file, not to a process, so threads and nested users count too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from migration_manager.embedded import places

with suppress(ImportError):  # Windows, which the package's door refuses with a sentence
    import fcntl


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Ask again with growing pauses until the condition holds or the time is over."""
    deadline = time.monotonic() + seconds
    pause = 0.002
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
    return True


def try_exclusive(descriptor: int) -> bool:
    """Lock for this open file alone; a shared lock it had is lost even when this fails."""
    return _try(descriptor, fcntl.LOCK_EX)


def try_share(descriptor: int) -> bool:
    """Lock together with others."""
    return _try(descriptor, fcntl.LOCK_SH)


def share(descriptor: int) -> None:
    """Lock together with others, where the gate keeps away whoever locks alone."""
    fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)


def exclude(descriptor: int) -> None:
    """Lock for this open file alone, where the gate keeps away everybody else."""
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def unlock(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def release(descriptor: int) -> None:
    """Unlock and close: a child that inherited the open file must not go on holding the lock."""
    unlock(descriptor)
    os.close(descriptor)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def holders(path: Path) -> list[int]:
    """List the processes that locked a file, for messages only: empty where the system does not tell."""
    try:
        inode = path.stat().st_ino
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return []
    # "1: FLOCK  ADVISORY  READ  12345 fe:00:10019196 0 EOF"; a waiter's line has "->" after the number
    fields = [line.split() for line in lines if "FLOCK" in line and "->" not in line]
    return sorted({int(field[4]) for field in fields if field[5].split(":")[-1] == str(inode)})


class Gate:
    """An exclusive lock on a file that may be deleted and made anew while somebody waits for it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            release(self._descriptor)

    def pass_within(self, seconds: float) -> bool:
        """Wait for the lock; False when the time is over."""
        return wait_until(self._try_to_pass, seconds)

    def _try_to_pass(self) -> bool:
        descriptor = places.open_file(self._path, os.O_RDWR)
        try:
            # A lock on a file that is no longer the one at this path excludes nobody.
            if try_exclusive(descriptor) and is_still(self._path, descriptor):
                self._descriptor = descriptor
                return True
        finally:
            if self._descriptor is None:
                os.close(descriptor)
        return False


def is_still(path: Path, descriptor: int) -> bool:
    """Say whether the file at this path is the open one, not a new one made after somebody deleted it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
