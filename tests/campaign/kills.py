"""Runners, sessions and servers that are killed at a random moment."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.campaign.bench import PATIENCE, Bench, Measured
from tests.campaign.launcher import COMMAND_LINE, Runner
from tests.campaign.scenarios import (
    KILLED,
    MIGRATE_THREE,
    Broken,
    Rule,
    Scenario,
    bring_to_the_end,
    broken_rules,
    look,
)
from tests.campaign.tally import APART, Tally, chances

_RUNNERS = "datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"


@dataclass(frozen=True)
class Kill:
    """A way to kill; `strike` returns whether it hit anything. `weight` is how often it is chosen."""

    name: str
    weight: int
    strike: Callable[[Bench, Runner], bool]
    of_server: bool = False  # it takes a server of one's own


def _signal(how: signal.Signals, _: Bench, runner: Runner) -> bool:
    return runner.kill(how)


def _ask_server(function: str, bench: Bench, _: Runner) -> bool:
    return any(row[0] for row in bench.ask(f"SELECT {function}(pid) FROM pg_stat_activity WHERE {_RUNNERS}"))


def _kill_backend(bench: Bench, _: Runner) -> bool:
    assert bench.server is not None
    hit = sum(bench.server.kill_backend(pid) for pid in bench.backends()) > 0
    if hit:
        # Until the server has noticed, it would still answer as if nothing had happened.
        end = time.monotonic() + PATIENCE
        while not bench.has_lost_its_connection() and time.monotonic() < end:
            time.sleep(0.001)
        bench.server.wait_until_ready()
    return hit


def _stop_immediately(bench: Bench, _: Runner) -> bool:
    assert bench.server is not None
    bench.server.crash()
    return True


KILLS = (
    Kill("client -9", 25, partial(_signal, signal.SIGKILL)),
    Kill("SIGTERM", 20, partial(_signal, signal.SIGTERM)),
    Kill("pg_terminate_backend", 20, partial(_ask_server, "pg_terminate_backend")),
    Kill("pg_cancel_backend", 20, partial(_ask_server, "pg_cancel_backend")),
    Kill("backend -9", 9, _kill_backend, of_server=True),
    Kill("immediate stop", 6, _stop_immediately, of_server=True),
)


def kill(bench: Bench, seed: int, first: int, count: int) -> Tally:
    """Kill the tool."""
    tally = Tally()
    ways = [each for each in KILLS if bench.server is not None or not each.of_server]
    for number in range(first, first + count):
        chance = chances("kills", seed, number)
        scenario = chance.choice(KILLED)
        (way,) = chance.choices(ways, [each.weight for each in ways])
        _one(bench, tally, scenario, way, chance=chance, replay=f"kills --seed {seed} --first {number} --tries 1")
    return tally


def kill_control(bench: Bench, seed: int, first: int, count: int) -> Tally:
    """Kill a design that runs each statement by itself and writes down afterwards that the file is applied."""
    tally = Tally()
    ways = [each for each in KILLS if each.name in {"client -9", "pg_terminate_backend", "pg_cancel_backend"}]
    bench.make_history()
    for number in range(first, first + count):
        chance = chances("kills-control", seed, number)
        replay = f"kills-control --seed {seed} --first {number} --tries 1"
        _one(bench, tally, MIGRATE_THREE, chance.choice(ways), chance=chance, replay=replay, program="autocommit")
    return tally


def _one(
    bench: Bench,
    tally: Tally,
    scenario: Scenario,
    way: Kill,
    *,
    chance: random.Random,
    replay: str,
    program: str = COMMAND_LINE,
) -> None:
    took = _duration(bench, scenario, program)
    scenario.prepare(bench)
    moment = took * chance.uniform(0.15, 1.05)
    runner = bench.start(*scenario.arguments, program=program)
    time.sleep(max(0.0, runner.began + moment - time.monotonic()))
    hit = way.strike(bench, runner)
    said = bench.said(runner)
    broken = []
    if not bench.wait_until_alone():
        broken.append(Broken(Rule.HANGS, "a session of the runner stays"))
    found = look(bench, scenario)
    broken += broken_rules(scenario, found, said)
    if bench.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"):
        broken.append(Broken(Rule.LOCKED, "an advisory lock"))
    if program == COMMAND_LINE:
        broken += bring_to_the_end(bench, scenario)
    done = all(each.state is None if scenario.backwards else each.state == "applied" for each in found)
    tally.note(
        f"{way.name}{APART}{scenario.name}",
        broken,
        effective=hit and not said.succeeded,
        unknown=said.unknown,
        unacknowledged=done and not said.succeeded and not said.acknowledged,
        replay=f"{replay} (after {moment * 1000:.1f} of {took * 1000:.1f} ms)",
    )


def _duration(bench: Bench, scenario: Scenario, program: str) -> float:
    """Return how long a run of a scenario takes, measured anew now and then: the machine may be busier by now."""
    known = bench.durations.get(scenario.name + program)
    if known is None or known.uses >= 40:
        taken = []
        for _ in range(3):
            scenario.prepare(bench)
            runner = bench.start(*scenario.arguments, program=program)
            said = bench.said(runner)
            assert said.succeeded, f"{scenario.name} fails undisturbed: {said}"
            taken.append(runner.seconds)
        known = bench.durations[scenario.name + program] = Measured(sorted(taken)[1])
    known.uses += 1
    return known.seconds
