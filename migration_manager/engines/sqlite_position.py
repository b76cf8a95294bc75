"""Where in a statement SQLite's complaint points: its messages name a token or an object, never a place."""

from __future__ import annotations

import re
from collections.abc import Callable

_SYNTAX = re.compile(r'near "(?P<token>.+)": syntax error\Z', re.DOTALL)
_TOKEN = re.compile(r'unrecognized token: "(?P<token>.+)"\Z', re.DOTALL)
_AGAIN = re.compile(r"duplicate column name: (?P<name>.+)\Z")
_NAMES = (
    re.compile(r"table .+ has no column named (?P<name>.+)\Z"),
    re.compile(r"table (?P<name>.+) has \d+ columns but \d+ values were supplied\Z"),
    re.compile(r"no such [a-z ]+: (?P<name>.+)\Z"),
    re.compile(r"ambiguous column name: (?P<name>.+)\Z"),
    re.compile(r"(?:there is already (?:a table|an index|another table or index)[a-z ]*) named:? (?P<name>.+)\Z"),
    re.compile(r"(?:table|view|index|trigger) (?P<name>.+) already exists\Z"),
)


def point_at(statement: str, message: str, refusal: Callable[[str], str | None]) -> int:
    """Return the offset inside the statement that the message speaks of; 0, its start, when it names nothing.

    `refusal` answers with what SQLite says to a text it only compiles: it tells equal tokens apart.
    """
    if (match := _TOKEN.match(message)) is not None:
        return max(0, statement.find(match["token"]))
    if (match := _SYNTAX.match(message)) is not None:
        return _refused_token(statement, match["token"], refusal)
    if message == "incomplete input":
        return max(0, len(statement.rstrip()) - 1)
    if (match := _AGAIN.match(message)) is not None:
        first = _first_name(statement, match["name"])
        again = _first_name(statement[first + 1 :], match["name"])
        return first + 1 + again if again else first
    for pattern in _NAMES:
        if (match := pattern.match(message)) is not None:
            return _first_name(statement, match["name"])
    return 0


def _refused_token(statement: str, token: str, refusal: Callable[[str], str | None]) -> int:
    # Words must match whole: the "a" of `near "a"` is not the one of "table".
    places = [match.start() for match in re.finditer(_whole(token), statement)]
    complaint = f'near "{token}": syntax error'
    # The parser stops at the first token it cannot take, so a statement cut off behind such a token draws the
    # complaint exactly when the refused one is in it: bisect.
    low, high = 0, len(places) - 1
    while low < high:
        middle = (low + high) // 2
        if refusal(statement[: places[middle] + len(token)]) == complaint:
            high = middle
        else:
            low = middle + 1
    return places[low] if places else 0


def _first_name(statement: str, name: str) -> int:
    # SQLite adds the schema ("main.users") and leaves quotes out; the last part is what the file surely says.
    for wanted in (name, name.rsplit(".", 1)[-1]):
        if (match := re.search(_whole(wanted), statement, re.IGNORECASE)) is not None:
            return match.start()
    return 0


def _whole(word: str) -> str:
    before = r"(?<!\w)" if re.match(r"\w", word) else ""
    after = r"(?!\w)" if re.search(r"\w\Z", word) else ""
    return before + re.escape(word) + after
