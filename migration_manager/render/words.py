"""Small phrases: ages, durations, counts. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from migration_manager.durations import duration as duration  # noqa: PLC0414 - one of the phrases

SHOWN: Final = 256 * 1024  # bytes; a longer script is not shown whole, neither to people nor in a document
# Of a run that wrote nothing else to the log.
UNKNOWN_RUN: Final = "nothing more is known of it: it was ended before its first migration was done, or is still at it"


def size(count: int) -> str:
    """Return a number of bytes as people say it: `740 bytes`, `48 KiB`, `1.2 GiB`."""
    if count < 1024:
        return counted(count, "byte")
    value, unit = count / 1024, "KiB"
    for larger in ("MiB", "GiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:.1f} {unit}" if value < 10 else f"{value:,.0f} {unit}"


def ago(moment: datetime, now: datetime | None = None) -> str:
    """Return how long ago a moment was: `just now`, `3 minutes ago`, `2 days ago`, then the date."""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if seconds < 60:
        return "just now"
    for size, unit in ((60, "minute"), (3600, "hour"), (86400, "day")):
        count = int(seconds // size)
        if count < {"minute": 60, "hour": 24, "day": 60}[unit]:
            return f"{counted(count, unit)} ago"
    return f"{moment:%Y-%m-%d}"


def stamp(moment: datetime) -> str:
    """Return a moment in full, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def counted(count: int, word: str) -> str:
    """Return a count with its word, in the plural where it is one."""
    return f"{count} {word}" if count == 1 else f"{count:,} {word}s"
