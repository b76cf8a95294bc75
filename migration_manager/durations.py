"""Lengths of time as people write them, `500ms`, `3s`, `15min`, and say them. Imports nothing of the package."""

from __future__ import annotations

import re
from typing import Final

_MILLISECONDS: Final = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_MEANT: Final = {
    "m": "min",
    "sec": "s",
    "secs": "s",
    "mins": "min",
    "hour": "h",
    "hours": "h",
    "day": "d",
    "days": "d",
}
_SHAPE: Final = re.compile(r"([0-9]{1,12}) ?([A-Za-z]*)")
LONGEST: Final = 2**31 - 1  # PostgreSQL keeps its timeouts as 32-bit milliseconds


def parse_duration(text: str) -> int:
    """Return the milliseconds of a time with its unit (ms, s, min, h, d), or of a plain `0`.

    Raises `ValueError` with a sentence for people.
    """
    shape = _SHAPE.fullmatch(text.strip())
    if shape is None:
        raise ValueError(f"{text!r} is not a time; write a whole number and a unit: 500ms, 3s, 15min, 1h or 2d")
    number, unit = int(shape[1]), shape[2]
    if not unit:
        if number == 0:
            return 0
        raise ValueError(f"{text!r} has no unit; write {number}s for seconds or {number}ms for milliseconds")
    if unit not in _MILLISECONDS:
        meant = _MEANT.get(unit.lower(), unit.lower())
        advice = f"write {number}{meant}" if meant in _MILLISECONDS else "units are ms, s, min, h and d"
        raise ValueError(f"{text!r} has an unknown unit; {advice}")
    if (milliseconds := number * _MILLISECONDS[unit]) > LONGEST:
        raise ValueError(f"{text!r} is too long; at most 24d, and 0 means no limit")
    return milliseconds


def duration(milliseconds: int) -> str:
    """Return a duration as people say it: `4 ms`, `2.4 s`, `3 min 20 s`, `2 h 5 min`."""
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    seconds = round(milliseconds / 1000)
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"
