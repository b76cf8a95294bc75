"""The line between runner and server, broken at its first message, its second, and so on until a run completes.

And broken around COMMIT, where a runner cannot know from the line alone what became of its work.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from tests.campaign.bench import Bench, described
from tests.campaign.claims import Said
from tests.campaign.scenarios import (
    ATOMIC,
    MIGRATE_ONE,
    MIGRATE_THREE,
    OUTSIDE,
    ROLLBACK,
    WIRED,
    Broken,
    Rule,
    Scenario,
    bring_to_the_end,
    broken_rules,
    look,
)
from tests.campaign.tally import APART, Tally, chances
from tests.fixtures.proxies import Break, Fault, Sender

# What ends the message that commits a migration, or a note about a statement; a question's COMMIT decides nothing.
_COMMIT = b"true); COMMIT; "
_PATIENCE = 0.15  # seconds until a line that carries nothing any more is closed
_MOST = 5000  # messages of a run; more means that it will never complete

# What the server sends comes in many small messages, and losing one is losing all after it: two kinds say it all.
FAULTS = (
    *((Sender.CLIENT, kind) for kind in Break),
    (Sender.SERVER, Break.BEFORE),
    (Sender.SERVER, Break.HALF),
)
Unit = tuple[Scenario, tuple[Sender, Break]]
UNITS: tuple[Unit, ...] = tuple(itertools.product(WIRED, FAULTS))
# Each scenario once, and each kind of fault of a client's message twice.
FEW_UNITS: tuple[Unit, ...] = tuple((each, FAULTS[number % len(Break)]) for number, each in enumerate(WIRED))


def break_everywhere(units: Sequence[Unit], bench: Bench, seed: int, first: int, count: int) -> Tally:
    """Break the line at every message in turn; a try is one of the units, a scenario with one kind of fault."""
    tally = Tally()
    for unit in range(first, min(first + count, len(units))):
        scenario, (sender, kind) = units[unit]
        replay = f"wire --seed {seed} --first {unit} --tries 1"
        for number in range(1, _MOST):
            fault = Fault(kind, number, sender, patience=_PATIENCE)
            what, at = f"{sender.value} {kind.value}", f"{replay} (message {number})"
            if not _one(bench, tally, scenario, fault, what=what, replay=at):
                break
        else:
            tally.note(scenario.name, [Broken(Rule.HANGS, "it never completes")], effective=True, replay=replay)
    return tally


def break_at_commit(bench: Bench, seed: int, first: int, count: int) -> Tally:
    """Break the line at a message with COMMIT in it, chosen among those of a run."""
    tally = Tally()
    for number in range(first, first + count):
        chance = chances("commits", seed, number)
        scenario = chance.choice((MIGRATE_ONE, MIGRATE_THREE, ATOMIC, ROLLBACK, OUTSIDE))
        kind = chance.choice(tuple(Break))
        commits = _commits(bench, scenario)
        fault = Fault(kind, chance.randint(1, commits), text=_COMMIT, patience=_PATIENCE)
        replay = f"commits --seed {seed} --first {number} --tries 1 (COMMIT {fault.number} of {commits})"
        _one(bench, tally, scenario, fault, what=kind.value, replay=replay)
    return tally


def _one(bench: Bench, tally: Tally, scenario: Scenario, fault: Fault, *, what: str, replay: str) -> bool:
    """Run a scenario over a line that breaks; returns whether it did break."""
    scenario.prepare(bench)
    bench.proxy.set(fault)
    said = bench.said(bench.start(*scenario.arguments, through=bench.proxy.through(bench.database)))
    fired = bench.proxy.wait_until_fired(0)
    bench.proxy.set(None)
    broken = []
    if not bench.wait_until_alone():
        broken.append(Broken(Rule.HANGS, "a session of the runner stays"))
    found = look(bench, scenario)
    broken += broken_rules(scenario, found, said)
    if not fired and not said.succeeded:
        broken.append(Broken(Rule.STUCK, f"nothing was broken; {described(said)}"))
    if bench.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"):
        broken.append(Broken(Rule.LOCKED, "an advisory lock"))
    broken += bring_to_the_end(bench, scenario)
    done = all(each.state is None if scenario.backwards else each.state == "applied" for each in found)
    tally.note(
        f"{what}{APART}{scenario.name}",
        broken,
        effective=fired,
        unknown=said.unknown,
        unacknowledged=done and _left_open(said, scenario),
        replay=replay,
    )
    return fired


def _left_open(said: Said, scenario: Scenario) -> bool:
    """Return whether a run ended in an error without saying of every file that it is done."""
    return not said.succeeded and not said.acknowledged >= {file.name for file in scenario.files}


def _commits(bench: Bench, scenario: Scenario) -> int:
    """Return how many messages with COMMIT in them a run of the scenario sends."""
    if scenario.name not in bench.commits:
        scenario.prepare(bench)
        fault = Fault(Break.BEFORE, _MOST, text=_COMMIT)
        bench.proxy.set(fault)
        said = bench.said(bench.start(*scenario.arguments, through=bench.proxy.through(bench.database)))
        assert said.succeeded, described(said)
        bench.commits[scenario.name] = bench.proxy.matched
        assert bench.commits[scenario.name], "no message with COMMIT in it"
    return bench.commits[scenario.name]
