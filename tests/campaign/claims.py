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


@dataclass(frozen=True)
class Said:
    """What a run said. `code` is None for one that hung, negative for one that a signal ended."""

    code: int | None
    out: str
    err: str
    acknowledged: frozenset[str]  # the migrations it says are done
    kept_nothing: bool  # of what it does not say is done
    unknown: bool  # it says that it does not know

    @property
    def succeeded(self) -> bool:
        return self.code == 0


def read(code: int | None, out: str, err: str) -> Said:
    """Read what a run said."""
    done = frozenset(_DONE.findall(out)) | frozenset(_FINISHED.findall(err))
    # The last line may have been cut in the middle by a kill: a name that is not whole acknowledges nothing.
    if not out.endswith("\n"):
        done -= frozenset(_DONE.findall(out.rpartition("\n")[2]))
    return Said(code, out, err, done, bool(_NOTHING.search(err)), bool(_UNKNOWN.search(err)))
