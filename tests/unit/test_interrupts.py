"""Ctrl-C that is held back: never lost, never in the middle of what was protected from it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from migration_manager import interrupts


@pytest.fixture(autouse=True)
def _handler() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupts.listen()
    yield
    signal.signal(signal.SIGINT, before)


def ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_it_comes_at_once_where_nothing_holds_it() -> None:
    with pytest.raises(KeyboardInterrupt):
        ctrl_c()


def test_what_is_held_ends_first() -> None:
    done = []

    def work() -> None:
        ctrl_c()
        done.append("after it")

    with pytest.raises(KeyboardInterrupt):
        interrupts.held(work)
    assert done == ["after it"]


def test_it_comes_once_and_nothing_stays_held() -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupts.held(ctrl_c)
    assert interrupts.held(lambda: 5) == 5
    with pytest.raises(KeyboardInterrupt):
        ctrl_c()


def test_an_error_of_the_call_gives_way_to_it_and_passes_without_it() -> None:
    def fail() -> None:
        raise ValueError("broken")

    def fail_interrupted() -> None:
        ctrl_c()
        fail()

    with pytest.raises(ValueError, match="broken"):
        interrupts.held(fail)
    with pytest.raises(KeyboardInterrupt):
        interrupts.held(fail_interrupted)


def test_what_another_thread_holds_keeps_nothing_from_the_main_one() -> None:
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        inside.set()
        leave.wait(10)

    other = threading.Thread(target=interrupts.held, args=(hold,))
    other.start()
    try:
        assert inside.wait(10)
        with pytest.raises(KeyboardInterrupt):
            ctrl_c()
    finally:
        leave.set()
        other.join()


def test_a_process_that_was_told_to_ignore_it_goes_on_ignoring_it() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interrupts.listen()
    ctrl_c()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
