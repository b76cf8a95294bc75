"""Signals that end a run: Ctrl-C, SIGTERM, SIGHUP. Once they ask for a clean end; what does not end is ended hard.

The first one is raised in the main thread as KeyboardInterrupt, which Python does between any two instructions, and
`which` says which it was. Inside a callback out of C (a driver that hands over a notice, say) nobody can catch it: it
is printed and gone, and the run goes on. So whoever calls into such code holds it back around the call, which must be
one that does not wait.

From then on the main thread cleans up and is not disturbed any more. A thread beside it hears every signal, whatever
the main one is held up in, and goes hard: at a second Ctrl-C at once, after SIGTERM or SIGHUP when `GRACE` is over.
"""

from __future__ import annotations

import enum
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, TypeVar

T = TypeVar("T")

GRACE: Final = 5.0  # seconds to clean up in after SIGTERM and SIGHUP
# A wrapper in the terminal's foreground (npm, make) hands on the Ctrl-C that the terminal has sent us already.
_SAME_KEY: Final = 0.1  # seconds


class Stop(enum.Enum):
    """A signal that ends a run."""

    HUNG_UP = signal.SIGHUP
    INTERRUPTED = signal.SIGINT
    TERMINATED = signal.SIGTERM

    @property
    def word(self) -> str:
        """What it did to the run: "terminated"."""
        return self.name.lower().replace("_", " ")

    @property
    def origin(self) -> str:
        """Where it came from, as a person says it: "Ctrl-C"."""
        return "Ctrl-C" if self is Stop.INTERRUPTED else self.value.name

    @property
    def exit_code(self) -> int:
        """What a shell says of a process that the signal ended."""
        return 128 + self.value


class _Held(threading.local):
    """Of each thread, for signals come to the main one only, and it does not wait for what others hold back."""

    now = False
    came = False


_held = _Held()
_first: Stop | None = None  # the signal that this run is ending by


@contextmanager
def listening(go_hard: Callable[[Stop], None]) -> Iterator[None]:
    """Turn the three signals into an end of the block; a signal that is ignored, or somebody else's, stays so.

    `go_hard` is called in another thread, and ends the process without asking the main one.
    """
    global _first  # noqa: PLW0603 - signals belong to the process, and so does this
    _first = None
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    watch = threading.Thread(target=_watch, args=(reading, go_hard), name="signals", daemon=True)
    watch.start()
    before = {stop.value: signal.getsignal(stop.value) for stop in Stop}
    ours = [number for number, handler in before.items() if handler in (signal.SIG_DFL, signal.default_int_handler)]
    woken_before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        for number in ours:
            signal.signal(number, _on_signal)
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])
        signal.set_wakeup_fd(woken_before)
        os.close(writing)
        watch.join()
        os.close(reading)
        _first = None


def which() -> Stop:
    """Return the signal that the KeyboardInterrupt at hand stands for."""
    return _first or Stop.INTERRUPTED


def held(call: Callable[[], T]) -> T:
    """Return what a call returns; a signal that came meanwhile is raised after it, as KeyboardInterrupt."""
    try:
        _held.now = True
        return call()
    finally:
        _held.now = False
        if _held.came:
            _held.came = False
            raise KeyboardInterrupt


def _on_signal(number: int, _frame: FrameType | None) -> None:
    global _first  # noqa: PLW0603 - see `listening`
    if _first is not None:  # what it would break off is the clean-up
        return
    _first = Stop(signal.Signals(number))
    if not _held.now:
        raise KeyboardInterrupt
    _held.came = True


def _watch(reading: int, go_hard: Callable[[Stop], None]) -> None:
    """Go hard when it is time to, until the other end of this pipe, to which Python writes signals, is closed."""
    # The kernel may give a signal to any thread, and only the main one's wait is to be broken off by it.
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    began: float | None = None  # when the first one came
    due: tuple[float, Stop] | None = None  # when and by which one patience ends
    poll = select.poll()
    poll.register(reading, select.POLLIN)
    while True:
        left = None if due is None else max(0.0, due[0] - time.monotonic()) * 1000
        if due is not None and not poll.poll(left):
            go_hard(due[1])
            return
        numbers = os.read(reading, 64)
        if not numbers:
            return
        now = time.monotonic()
        for stop in (Stop(signal.Signals(number)) for number in numbers if number in _NUMBERS):
            if stop is Stop.INTERRUPTED and began is not None and now - began > _SAME_KEY:
                go_hard(stop)
                return
            began = began or now
            if stop is not Stop.INTERRUPTED and due is None:
                due = (now + GRACE, stop)


_NUMBERS: Final = frozenset(stop.value for stop in Stop)
