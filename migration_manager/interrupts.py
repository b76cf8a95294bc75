"""Signals that end a run: Ctrl-C, SIGTERM, SIGHUP. Once they ask for a clean end; what does not end is ended hard.

The first one is raised in the main thread as KeyboardInterrupt, which Python does between any two instructions, and
`which` says which it was. Inside a callback out of C (a driver that hands over a notice, say) nobody can catch it: it
is printed and gone, and the run goes on. So whoever calls into such code holds it back around the call, which must be
one that does not wait. Python itself makes such calls at moments nobody chooses (finalizers, weak references in the
middle of an import): what is lost there is noticed, and sent once more a moment later.

From then on the main thread cleans up and is not disturbed any more. A thread beside it hears every signal, whatever
the main one is held up in, and goes hard: at a second Ctrl-C at once, after SIGTERM or SIGHUP when `GRACE` is over.
"""

from __future__ import annotations

import enum
import os
import select
import signal
import sys
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
_AGAIN: Final = 0  # stands among the numbers of signals for: send the first one once more
_A_MOMENT: Final = 0.001  # seconds; by then the callback in which it was lost should be over


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


@contextmanager
def listening(go_hard: Callable[[Stop], None]) -> Iterator[None]:
    """Turn the three signals into an end of the block; a signal that is ignored, or somebody else's, stays so.

    `go_hard` is called in another thread, and ends the process without asking the main one.
    """
    global _listener  # noqa: PLW0603 - signals belong to the process, and so does who listens to them
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    listener_before, _listener = _listener, _Listener(reading, writing, go_hard)
    watch = threading.Thread(target=_listener.watch, name="signals", daemon=True)
    watch.start()
    before = {stop.value: signal.getsignal(stop.value) for stop in Stop}
    ours = [number for number, handler in before.items() if handler in (signal.SIG_DFL, signal.default_int_handler)]
    woken_before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    hook_before, sys.unraisablehook = sys.unraisablehook, _listener.on_ignored
    try:
        for number in ours:
            signal.signal(number, _listener.on_signal)
        yield
    finally:
        _listener.is_over = True
        sys.unraisablehook = hook_before
        signal.set_wakeup_fd(woken_before)
        os.close(writing)
        watch.join()  # it may send one more
        os.close(reading)
        for number in ours:
            signal.signal(number, before[number])
        _listener = listener_before


def which() -> Stop:
    """Return the signal that the KeyboardInterrupt at hand stands for."""
    return (_listener and _listener.first) or Stop.INTERRUPTED


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


class _Listener:
    """What the signals of one process lead to: `on_signal` and `on_ignored` in the main thread, `watch` beside it."""

    def __init__(self, reading: int, writing: int, go_hard: Callable[[Stop], None]) -> None:
        self.first: Stop | None = None  # the signal that this run is ending by
        self.is_over = False  # nothing is left to break off
        self._is_lost = False  # it was raised where nobody could catch it, and will be sent once more
        self._reading, self._writing = reading, writing  # the pipe to which Python writes the number of each signal
        self._go_hard = go_hard
        self._main = threading.get_ident()  # no other thread may say what signals do
        self._hook_before = sys.unraisablehook

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """Raise the first one, here or where it can be caught."""
        if self.is_over or (self.first is not None and not self._is_lost):  # what it would break off is the clean-up
            return
        self.first = self.first or Stop(signal.Signals(number))
        self._is_lost = _is_below(frame, _Listener.on_ignored)
        if self._is_lost:
            self._ask_for_it_again()
        elif _held.now:
            _held.came = True
        else:
            raise KeyboardInterrupt

    def on_ignored(self, ignored: sys.UnraisableHookArgs) -> None:
        """Take what was raised in a finalizer or a weak reference's callback, out of which Python lets nothing go."""
        if self.first is not None and isinstance(ignored.exc_value, KeyboardInterrupt):
            self._is_lost = True
            self._ask_for_it_again()
        else:
            self._hook_before(ignored)

    def _ask_for_it_again(self) -> None:
        os.write(self._writing, bytes([_AGAIN]))

    def watch(self) -> None:
        """Go hard when it is time to, until the other end of the pipe is closed."""
        # The kernel may give a signal to any thread, and only the main one's wait is to be broken off by it.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        began: float | None = None  # when the first one came
        due: tuple[float, Stop] | None = None  # when and by which one patience ends
        ours = 0  # how many to come are not somebody's but sent again
        poll = select.poll()
        poll.register(self._reading, select.POLLIN)
        while True:
            left = None if due is None else max(0.0, due[0] - time.monotonic()) * 1000
            if due is not None and not poll.poll(left):
                self._go_hard(due[1])
                return
            numbers = os.read(self._reading, 64)
            if not numbers:
                return
            now = time.monotonic()
            for number in numbers:
                if number == _AGAIN:
                    ours += self._has_sent_it_again()
                elif number in _NUMBERS:
                    stop = Stop(signal.Signals(number))
                    if ours and stop is self.first:
                        ours -= 1
                    elif stop is Stop.INTERRUPTED and began is not None and now - began > _SAME_KEY:
                        self._go_hard(stop)
                        return
                    else:
                        began = began or now
                        if stop is not Stop.INTERRUPTED and due is None:
                            due = (now + GRACE, stop)

    def _has_sent_it_again(self) -> bool:
        time.sleep(_A_MOMENT)
        if self.first is None or not self._is_lost:  # another one has come, and was raised
            return False
        signal.pthread_kill(self._main, self.first.value)
        return True


_listener: _Listener | None = None
_NUMBERS: Final = frozenset(stop.value for stop in Stop)


def _is_below(frame: FrameType | None, function: Callable[..., object]) -> bool:
    """Return whether a function is among those that are running."""
    while frame is not None and frame.f_code is not function.__code__:
        frame = frame.f_back
    return frame is not None
