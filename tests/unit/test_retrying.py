"""The policy of tries and pauses, without a clock."""

from __future__ import annotations

import random

import pytest

from migration_manager.retrying import IN_THE_WAY, Retries


@pytest.mark.parametrize(
    ("failed", "chance", "pause"),
    [
        (1, 0.0, 0.125),
        (1, 0.5, 0.25),
        (1, 1.0, 0.375),
        (2, 0.5, 0.5),
        (3, 0.5, 1.0),
        (7, 0.5, 16.0),
        (8, 0.5, 30.0),
        (10, 0.5, 30.0),
        (10, 1.0, 45.0),
    ],
)
def test_pauses_grow_up_to_a_limit_and_are_spread_around_it(failed: int, chance: float, pause: float) -> None:
    assert Retries(most=10).pause(failed, 0.0, chance) == pytest.approx(pause)


@pytest.mark.parametrize(("most", "failed", "goes_on"), [(0, 1, False), (1, 1, True), (1, 2, False), (10, 10, True)])
def test_there_are_as_many_further_tries_as_were_asked_for(most: int, failed: int, goes_on: bool) -> None:
    assert (Retries(most).pause(failed, 0.0, 0.5) is not None) is goes_on


@pytest.mark.parametrize(
    ("budget", "spent", "goes_on"),
    [
        (0.0, 1e9, True),  # no limit
        (10.0, 9.0, True),
        (10.0, 9.75, True),
        (10.0, 9.76, False),  # the pause of 0.25 s would end after it
        (10.0, 11.0, False),
    ],
)
def test_no_try_begins_after_the_budget(budget: float, spent: float, goes_on: bool) -> None:
    assert (Retries(10, budget).pause(1, spent, 0.5) is not None) is goes_on


def test_a_great_number_of_tries_is_no_arithmetic_problem() -> None:
    assert Retries(100_000).pause(99_999, 0.0, 0.5) == 30.0


def test_whoever_waits_for_the_same_thing_comes_back_at_different_moments() -> None:
    chance = random.Random(4)  # noqa: S311 - jitter
    pauses = {Retries(1).pause(1, 0.0, chance.random()) for _ in range(100)}
    assert len(pauses) == 100


def test_nothing_that_a_person_or_a_limit_ended_is_tried_again() -> None:
    assert frozenset({"55P03", "40P01", "40001"}) == IN_THE_WAY, "and not 57014, whoever cancels wants it to end"
