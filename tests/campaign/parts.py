"""The parts of the campaign, and how much of each is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.campaign import fuzz, kills, races, wire
from tests.campaign.bench import Bench
from tests.campaign.races import Field
from tests.campaign.tally import Tally

# Seed, number of the first try, and how many.
Work = Callable[[Bench, int, int, int], Tally]


@dataclass(frozen=True)
class Part:
    """A part. `chunk` tries are done at a stretch by one worker, and are what is lost when the campaign is killed."""

    name: str
    about: str
    work: Work
    tries: int
    chunk: int
    must_fail: bool = False  # a design that the same checks have to find something wrong with


def full() -> dict[str, Part]:
    """Return the parts in the size whose figures are published."""
    return _parts(
        Part("kills", "killed at a random moment", kills.kill, 10_000, 50),
        Part("kills-control", "the same for DDL, then INSERT", kills.kill_control, 400, 50, must_fail=True),
        Part(
            "wire",
            "fault at the Nth message, until a run completes",
            partial(wire.break_everywhere, wire.UNITS),
            len(wire.UNITS),
            1,
        ),
        Part("commits", "the line breaks at COMMIT", wire.break_at_commit, 2_000, 50),
        Part("races", "32 runners, 100 files", partial(races.race, Field(32, 100)), 10 * len(races.WAYS), 1),
        Part(
            "races-control",
            "the same for a session's lock",
            partial(races.race_control, Field(32, 100)),
            5,
            1,
            must_fail=True,
        ),
        Part("fuzz", "files that end their transaction", fuzz.fuzz, 100_000, 1_000),
        Part("fuzz-control", "the same for BEGIN; file; INSERT; COMMIT", fuzz.fuzz_control, 2_000, 500, must_fail=True),
    )


def small() -> dict[str, Part]:
    """Return the parts in the size of a slice that runs with every commit."""
    return _parts(
        Part("kills", "killed at a random moment", kills.kill, 40, 20),
        Part("kills-control", "the same for DDL, then INSERT", kills.kill_control, 20, 20, must_fail=True),
        Part(
            "wire",
            "fault at the Nth message, until a run completes",
            partial(wire.break_everywhere, wire.FEW_UNITS),
            len(wire.FEW_UNITS),
            1,
        ),
        Part("commits", "the line breaks at COMMIT", wire.break_at_commit, 20, 20),
        Part("races", "8 runners, 10 files", partial(races.race, Field(8, 10)), len(races.WAYS), 1),
        Part(
            "races-control",
            "the same for a session's lock",
            partial(races.race_control, Field(16, 40)),
            4,
            1,
            must_fail=True,
        ),
        Part("fuzz", "files that end their transaction", fuzz.fuzz, 1_000, 500),
        Part("fuzz-control", "the same for BEGIN; file; INSERT; COMMIT", fuzz.fuzz_control, 100, 100, must_fail=True),
    )


def _parts(*parts: Part) -> dict[str, Part]:
    return {part.name: part for part in parts}
