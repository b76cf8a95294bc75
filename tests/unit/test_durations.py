"""Lengths of time."""

from __future__ import annotations

import pytest

from migration_manager.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("500ms", 500),
        ("3s", 3000),
        ("15min", 900_000),
        ("1h", 3_600_000),
        ("2d", 172_800_000),
        (" 3 s ", 3000),
        ("24d", 2_073_600_000),
    ],
)
def test_reads_a_number_with_its_unit(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("5", "'5' has no unit; write 5s for seconds or 5ms for milliseconds"),
        ("5m", "write 5min"),
        ("5M", "write 5min"),
        ("5sec", "write 5s"),
        ("5S", "write 5s"),
        ("5 fortnights", "units are ms, s, min, h and d"),
        ("", "not a time"),
        ("s", "not a time"),
        ("-1s", "not a time"),
        ("1.5s", "not a time"),
        ("1h30min", "not a time"),
        ("٣s", "not a time"),
        ("25d", "too long; at most 24d"),
        ("999999999999d", "too long"),
        ("9999999999999s", "not a time"),
    ],
)
def test_refuses_what_is_no_time(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_duration(text)
