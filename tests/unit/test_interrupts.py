"""Signals: never lost, never in the middle of what is protected from them, and hard when nothing else helps."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from migration_manager import interrupts
from migration_manager.errors import Exit, Interrupted
from migration_manager.interrupts import Stop

Hard = queue.SimpleQueue[Stop]


@pytest.fixture(autouse=True)
def hard() -> Iterator[Hard]:
    """Listen, and return where it is noted that the process would have been ended hard."""
    told: Hard = queue.SimpleQueue()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with interrupts.listening(told.put):
        yield told
    signal.signal(signal.SIGINT, before)


def send(stop: Stop) -> None:
    os.kill(os.getpid(), stop.value)


def ctrl_c() -> None:
    send(Stop.INTERRUPTED)


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


class Finalized:
    """Is sent a signal in its finalizer, which Python lets no exception out of."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop

    def __del__(self) -> None:
        send(self._stop)


@pytest.mark.parametrize("stop", Stop)
def test_one_that_is_lost_where_python_lets_nothing_out_is_raised_a_moment_later(
    stop: Stop, hard: Hard, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(interrupts, "_SAME_KEY", 0.0)
    finalized = [Finalized(stop)]
    with pytest.raises(KeyboardInterrupt):
        pop_and_wait(finalized)
    assert interrupts.which() is stop
    with pytest.raises(queue.Empty):
        hard.get(timeout=0.1)  # what is sent again is not a second one
    assert capsys.readouterr() == ("", "")


def pop_and_wait(finalized: list[Finalized]) -> None:
    finalized.pop()
    time.sleep(5)


def test_after_one_that_was_lost_a_second_ctrl_c_still_goes_hard(hard: Hard) -> None:
    with pytest.raises(KeyboardInterrupt):
        pop_and_wait([Finalized(Stop.INTERRUPTED)])
    time.sleep(0.2)
    ctrl_c()
    assert hard.get(timeout=3) is Stop.INTERRUPTED


def test_one_that_is_lost_in_the_callback_of_a_weak_reference_is_raised_a_moment_later() -> None:
    referred = [threading.Event()]
    reference = weakref.ref(referred[0], lambda _: ctrl_c())

    def pop() -> None:
        referred.pop()
        time.sleep(5)

    with pytest.raises(KeyboardInterrupt):
        pop()
    assert reference() is None


def test_one_that_comes_while_a_lost_one_is_noticed_is_raised_a_moment_later(monkeypatch: pytest.MonkeyPatch) -> None:
    noticed = []
    ask = interrupts._Listener._ask_for_it_again

    def and_another(listener: interrupts._Listener) -> None:
        noticed.append("one")
        if len(noticed) == 1:
            send(Stop.HUNG_UP)
        ask(listener)

    monkeypatch.setattr(interrupts._Listener, "_ask_for_it_again", and_another)
    with pytest.raises(KeyboardInterrupt):
        pop_and_wait([Finalized(Stop.TERMINATED)])
    assert interrupts.which() is Stop.TERMINATED
    assert noticed == ["one", "one"]


def test_what_else_is_lost_is_told_as_it_was_before(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", told.append)

    class Broken:
        def __del__(self) -> None:
            raise ValueError("broken")

    with interrupts.listening(lambda _: None):
        broken = Broken()
        del broken
    assert len(told) == 1


@pytest.mark.parametrize("stop", Stop)
def test_a_process_that_was_told_to_ignore_a_signal_goes_on_ignoring_it(stop: Stop) -> None:
    before = signal.signal(stop.value, signal.SIG_IGN)
    told: Hard = queue.SimpleQueue()
    try:
        with interrupts.listening(told.put):
            send(stop)
            assert signal.getsignal(stop.value) is signal.SIG_IGN
        assert signal.getsignal(stop.value) is signal.SIG_IGN
    finally:
        signal.signal(stop.value, before)
    assert told.empty()


@pytest.mark.parametrize("stop", Stop)
def test_each_signal_is_raised_and_told_apart(stop: Stop) -> None:
    with pytest.raises(KeyboardInterrupt):
        send(stop)
    assert interrupts.which() is stop
    error = Interrupted(interrupts.which(), state="nothing was changed")
    assert error.exit_code == 128 + stop.value == Exit[stop.name]
    assert error.message in ("hung up", "interrupted", "terminated")


def test_the_clean_up_is_not_disturbed_and_the_first_signal_counts() -> None:
    with pytest.raises(KeyboardInterrupt):
        send(Stop.TERMINATED)
    for stop in (Stop.TERMINATED, Stop.HUNG_UP):
        send(stop)
    assert interrupts.which() is Stop.TERMINATED


def test_a_second_ctrl_c_goes_hard_at_once(hard: Hard) -> None:
    with pytest.raises(KeyboardInterrupt):
        ctrl_c()
    time.sleep(0.2)
    assert hard.empty(), "one is not enough"
    ctrl_c()
    assert hard.get(timeout=3) is Stop.INTERRUPTED


def test_a_ctrl_c_that_a_wrapper_hands_on_is_the_same_one(hard: Hard) -> None:
    with pytest.raises(KeyboardInterrupt):
        ctrl_c()
    ctrl_c()
    with pytest.raises(queue.Empty):
        hard.get(timeout=0.3)


def test_ctrl_c_goes_hard_in_the_clean_up_after_another_signal(hard: Hard) -> None:
    with pytest.raises(KeyboardInterrupt):
        send(Stop.TERMINATED)
    time.sleep(0.2)
    ctrl_c()
    assert hard.get(timeout=3) is Stop.INTERRUPTED


def test_patience_ends_after_a_signal_that_is_not_ctrl_c(hard: Hard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts, "GRACE", 0.3)
    with pytest.raises(KeyboardInterrupt):
        send(Stop.HUNG_UP)
    assert hard.empty()
    assert hard.get(timeout=3) is Stop.HUNG_UP


def test_patience_with_ctrl_c_ends_by_another_signal(hard: Hard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts, "GRACE", 0.1)
    with pytest.raises(KeyboardInterrupt):
        ctrl_c()
    time.sleep(0.3)
    assert hard.empty(), "a person waits for as long as it takes"
    send(Stop.TERMINATED)
    assert hard.get(timeout=3) is Stop.TERMINATED


def test_it_goes_hard_while_the_main_thread_waits_in_c(hard: Hard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts, "GRACE", 0.1)

    def send_and_wait() -> None:
        send(Stop.TERMINATED)
        assert hard.get(timeout=3) is Stop.TERMINATED

    with pytest.raises(KeyboardInterrupt):
        interrupts.held(send_and_wait)


def test_everything_is_as_it_was_afterwards() -> None:
    before = {stop: signal.getsignal(stop.value) for stop in Stop}
    hook = sys.unraisablehook
    threads, files = threading.active_count(), open_files()
    told: Hard = queue.SimpleQueue()
    with interrupts.listening(told.put), interrupts.listening(told.put):
        pass
    assert {stop: signal.getsignal(stop.value) for stop in Stop} == before
    assert sys.unraisablehook == hook
    assert (threading.active_count(), open_files()) == (threads, files)


def open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))
