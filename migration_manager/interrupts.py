"""Ctrl-C, held back for the moments in which it would be lost.

Python raises KeyboardInterrupt between any two instructions of the main thread. Inside a callback out of C (a driver
that hands over a notice, say) nobody can catch it: it is printed and gone, and the run goes on. So whoever calls into
such code holds Ctrl-C back around the call, which must be one that does not wait.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


class _Held(threading.local):
    """Of each thread, for signals come to the main one only, and it does not wait for what others hold back."""

    now = False
    came = False


_held = _Held()


def listen() -> None:
    """Let `held` hold Ctrl-C back from now on, in this process; where SIGINT is ignored, it stays so."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _on_signal)


def held(call: Callable[[], T]) -> T:
    """Return what a call returns; a Ctrl-C that came meanwhile is raised after it, as KeyboardInterrupt."""
    try:
        _held.now = True
        return call()
    finally:
        _held.now = False
        if _held.came:
            _held.came = False
            raise KeyboardInterrupt


def _on_signal(_number: int, _frame: FrameType | None) -> None:
    if not _held.now:
        raise KeyboardInterrupt
    _held.came = True
