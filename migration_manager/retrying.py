"""When a transaction that others stood in the way of is tried again. Pure: the runner waits, and looks at the clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# A lock that was not free within lock_timeout, a deadlock, a serialization failure: nothing is wrong with the file.
IN_THE_WAY: Final = frozenset({"55P03", "40P01", "40001"})

_FIRST: Final = 0.25  # seconds, on average, of the first pause
_GROWTH: Final = 2.0
_LONGEST: Final = 30.0  # seconds, on average
_GROWN: Final = 16  # pauses after which they grow no more, whatever the numbers above are


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a transaction is tried again: at most `most` times, the last one begun within `budget` seconds.

    The budget counts from the beginning of the first try; 0 is no limit.
    """

    most: int = 0
    budget: float = 0.0

    def pause(self, failed: int, spent: float, chance: float) -> float | None:
        """Return the seconds to wait when so many tries have failed; None when the last of them was the last.

        `spent` is how long ago the first one began. `chance`, from 0 to 1, spreads those who wait for the same thing.
        """
        if failed > self.most:
            return None
        pause = min(_FIRST * _GROWTH ** min(failed - 1, _GROWN), _LONGEST) * (0.5 + chance)
        return None if self.budget and spent + pause > self.budget else pause
