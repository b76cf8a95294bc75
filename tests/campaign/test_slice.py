"""A slice of every part of the campaign, always the same; and that its designs that must fail do fail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.campaign import fuzz, parts, races, scenarios, wire
from tests.campaign.bench import Bench, workbench
from tests.campaign.fuzz import Way
from tests.campaign.tally import Tally
from tests.campaign.wire import Unit
from tests.fixtures.bouncers import PoolMode, need_pgbouncer
from tests.fixtures.postgres import need_embedded

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

SEED = 1
PARTS = parts.small()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    need_embedded()
    with workbench(tmp_path_factory.mktemp("campaign")) as made:
        yield made


def run(bench: Bench, name: str) -> Tally:
    part = PARTS[name]
    return part.work(bench, SEED, 0, part.tries)


def effective(tally: Tally) -> int:
    return sum(row["effective"] for row in tally.counts.values())


def refute(tally: Tally) -> None:
    """Fail with every violation that was found and how to repeat it."""
    assert not tally.violations, "\n".join(tally.reports)


def test_whatever_is_killed_nothing_is_half_done_and_nothing_that_was_told_is_lost(bench: Bench) -> None:
    tally = run(bench, "kills")
    refute(tally)
    assert effective(tally) > tally.tries / 3


@pytest.mark.parametrize("unit", wire.FEW_UNITS, ids=lambda unit: f"{unit[0].name}, {unit[1][1].value}")
def test_wherever_the_line_breaks_nothing_is_half_done_and_the_next_run_completes(unit: Unit, bench: Bench) -> None:
    tally = wire.break_everywhere([unit], bench, SEED, 0, 1)
    refute(tally)
    assert effective(tally) == tally.tries - 1 > 5


def test_a_line_that_breaks_at_commit_leads_to_no_false_claim(bench: Bench) -> None:
    tally = run(bench, "commits")
    refute(tally)
    assert effective(tally) == tally.tries


@pytest.mark.parametrize("way", races.WAYS, ids=lambda way: way.value if way else "direct")
def test_runners_that_race_apply_each_file_once_and_in_order(way: PoolMode | None, bench: Bench) -> None:
    if way is not None:
        need_pgbouncer()
    tally = PARTS["races"].work(bench, SEED, races.WAYS.index(way), 1)
    refute(tally)


FUZZED = [
    (Way.COMMAND_LINE, 50),
    (Way.LEXER, 400),
    (Way.ONE_BY_ONE, 250),
    (Way.ONE_MESSAGE, 250),
]


@pytest.mark.parametrize(("way", "tries"), FUZZED)
def test_a_file_that_ends_its_transaction_leaves_nothing_and_is_not_recorded(
    way: Way, tries: int, bench: Bench
) -> None:
    tally = fuzz.fuzz(bench, SEED, 0, tries, ways=[way])
    refute(tally)
    assert effective(tally) > tries / 4


def test_a_file_that_stopped_outside_a_transaction_can_be_finished_by_hand(bench: Bench) -> None:
    """What the campaign does as a person would, where a run says that it cannot know whether a statement was done."""
    scenarios.OUTSIDE.prepare(bench)
    scenarios.leave_unfinished(bench, scenarios.OUTSIDE)
    (found,) = scenarios.look(bench, scenarios.OUTSIDE)
    assert found.pieces == (True, True, True, False, False)
    bench.ask("DROP INDEX o_1_v")
    (found,) = scenarios.look(bench, scenarios.OUTSIDE)
    scenarios.finish_by_hand(bench, found)
    (found,) = scenarios.look(bench, scenarios.OUTSIDE)
    assert (found.complete, found.ran, found.state) == (True, 1, "unfinished")


@pytest.mark.parametrize("name", [name for name, part in PARTS.items() if part.must_fail])
def test_the_same_checks_find_what_is_wrong_with_other_designs(name: str, bench: Bench) -> None:
    if name == "races-control":
        need_pgbouncer()
    assert run(bench, name).violations
