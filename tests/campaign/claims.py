"""What a run claims about the database, read from its exit code and from what it printed.

The one place that knows the tool's sentences. A sentence that is not known here claims nothing, and is not checked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_DONE = re.compile(r"^\s+(?:applied|rolled back|recorded)\s+(\S+)", re.MULTILINE)
_NOTHING = re.compile(r"nothing (?:of \S+ |of it |of the \d+ in this transaction )?was (?:kept|changed)")
_FINISHED = re.compile(r"(\S+) was finished and is recorded")
_UNKNOWN = re.compile(r"not known|unknown")
_UNFINISHED = re.compile(r"(?<!whether )\b\w\S* is recorded as unfinished")
_KEPT = re.compile(r"(\d+|none) of its \d+ statements (?:was|were) kept|unfinished: (\d+) of \d+ statements done")
_FAILED_AT = re.compile(r"unfinished: statement (\d+) of \d+ failed")
_IN_DOUBT = re.compile(
    r"whether statement (\d+) of \d+ has run is not known|unfinished: statement (\d+) of \d+ unknown"
)


@dataclass(frozen=True)
class Said:
    """What a run said. `code` is None for one that hung, negative for one that a signal ended."""

    code: int | None
    out: str
    err: str
    acknowledged: frozenset[str]  # the migrations it says are done
    kept_nothing: bool  # of what it does not say is done
    unknown: bool  # it says that it does not know
    unfinished: bool = False  # it says that a file is recorded as that
    kept: int | None = None  # so many statements of a file that runs outside a transaction
    in_doubt: bool = False  # it says that the one after those may have run

    @property
    def succeeded(self) -> bool:
        return self.code == 0


def read(code: int | None, out: str, err: str) -> Said:
    """Read what a run said."""
    done = frozenset(_DONE.findall(out)) | frozenset(_FINISHED.findall(err))
    # The last line may have been cut in the middle by a kill: a name that is not whole acknowledges nothing.
    if not out.endswith("\n"):
        done -= frozenset(_DONE.findall(out.rpartition("\n")[2]))
    unfinished, in_doubt = bool(_UNFINISHED.search(err)), _number(_IN_DOUBT, err)
    kept, failed = _number(_KEPT, err), _number(_FAILED_AT, err)
    if kept is None and (at := in_doubt or failed) is not None:
        kept = at - 1
    nothing, unknown = bool(_NOTHING.search(err)), bool(_UNKNOWN.search(err))
    return Said(code, out, err, done, nothing, unknown, unfinished, kept, in_doubt is not None)


def _number(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    number = next(filter(None, found.groups()), None) if found else None
    return 0 if number == "none" else None if number is None else int(number)
