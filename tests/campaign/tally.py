"""What a campaign counts, how it is kept so that a second call goes on, and the table it ends in."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.campaign.scenarios import Broken, Rule

APART = " · "  # stands between what was done and to what, in the names of rows
REPORTED = 20  # violations that are described for each part; all are counted
_FALSE = (Rule.FALSE_RECORD, Rule.FALSE_CLAIM)
_COLUMNS = ("tries", "effective", "violations", "lost", "false", "unknown", "unacknowledged")


def chances(part: str, seed: int, number: int) -> random.Random:
    """Return the dice of one try: the same ones whenever it is repeated, and whatever was tried before."""
    return random.Random(f"{part} {seed} {number}")  # noqa: S311 - to be repeated, not to be secret


@dataclass
class Tally:
    """Counts, for each thing that was done to runners; and a description of each violation with which to replay it."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    reports: list[str] = field(default_factory=list)
    version: str = ""  # of the server

    def note(
        self,
        what: str,
        broken: Sequence[Broken],
        *,
        effective: bool,
        replay: str,
        unknown: bool = False,
        unacknowledged: bool = False,
    ) -> None:
        """Count one try. `replay` says how to repeat it."""
        row = self.counts.setdefault(what, Counter())
        rules = {each.rule for each in broken}
        row["tries"] += 1
        row["effective"] += effective
        row["violations"] += bool(rules)
        row["lost"] += Rule.LOST in rules
        row["false"] += not rules.isdisjoint(_FALSE)
        row["unknown"] += unknown
        row["unacknowledged"] += unacknowledged
        if broken and len(self.reports) < REPORTED:
            told = "\n".join(f"  {each.rule.value}: {each.seen}" for each in broken)
            self.reports.append(f"{what}; replay with {replay}\n{told}")

    def add(self, other: Tally) -> None:
        for what, counts in other.counts.items():
            self.counts.setdefault(what, Counter()).update(counts)
        self.reports = (self.reports + other.reports)[:REPORTED]
        self.version = other.version or self.version

    @property
    def violations(self) -> int:
        return sum(row["violations"] for row in self.counts.values())

    @property
    def tries(self) -> int:
        return sum(row["tries"] for row in self.counts.values())

    def as_document(self) -> dict[str, Any]:
        return {"counts": self.counts, "reports": self.reports, "version": self.version}

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Self:
        counts = {what: Counter(row) for what, row in document["counts"].items()}
        return cls(counts, list(document["reports"]), document["version"])


@dataclass
class PartState:
    """What is done of a part: the chunks, what they came to, and how long they took together."""

    done: set[int] = field(default_factory=set)
    tally: Tally = field(default_factory=Tally)
    seconds: float = 0.0


class StateFile:
    """One line for each chunk that is done. A line that a kill cut off counts as not written."""

    def __init__(self, path: Path, about: Mapping[str, object]) -> None:
        """Open the file for a part; what other seeds and sizes (`about`) have left in it is passed over."""
        self._path = path
        self._about = dict(about)
        path.parent.mkdir(parents=True, exist_ok=True)

    def read(self) -> PartState:
        state = PartState()
        if not self._path.exists():
            return state
        for line in self._path.read_text("utf-8").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if entry["about"] == self._about and entry["chunk"] not in state.done:
                state.done.add(entry["chunk"])
                state.tally.add(Tally.of_document(entry["tally"]))
                state.seconds += entry["seconds"]
        return state

    def append(self, chunk: int, tally: Tally, seconds: float) -> None:
        entry = {"about": self._about, "chunk": chunk, "seconds": seconds, "tally": tally.as_document()}
        with self._path.open("ab") as file:
            # A newline first: the last line may be one that was cut off.
            file.write(b"\n" + json.dumps(entry).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def as_markdown(parts: Iterable[tuple[str, PartState, int]], *, detailed: bool = False) -> str:
    """Return the table of results; a part comes with its state and its seed.

    Its rows are what was done, and to what as well with `detailed`.
    """
    heads = ("part", "what", "PostgreSQL", "tries", "effective", "violations", "lost acknowledgements",
             "false records or claims", "said unknown", "error though committed", "seconds", "seed")  # fmt: skip
    lines = [heads, ("---",) * len(heads)]
    for name, state, seed in parts:
        total: Counter[str] = Counter()
        rows: dict[str, Counter[str]] = {}
        for what, row in sorted(state.tally.counts.items()):
            total.update(row)
            rows.setdefault(what if detailed else what.partition(APART)[0], Counter()).update(row)
        for what, row in rows.items():
            lines.append((name, what, state.tally.version, *_shown(row), "", str(seed)))
        seconds = f"{state.seconds:.0f}"
        lines.append((f"**{name}**", "**together**", state.tally.version, *_shown(total), seconds, str(seed)))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _shown(row: Mapping[str, int]) -> list[str]:
    return [f"{row.get(column, 0):,}" for column in _COLUMNS]
