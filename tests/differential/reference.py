"""What libpg_query, the parser of PostgreSQL as a library, says about a text."""

from __future__ import annotations

import importlib
from typing import Any

# Its stubs hold a line that is no Python, and mypy reads no further where it meets them.
postgast: Any = importlib.import_module("postgast")
_COMMENTS = frozenset(postgast.pg_query_pb2.Token.Value(name) for name in ("SQL_COMMENT", "C_COMMENT"))


class NoTokens(ValueError):
    """The scanner refuses a text; the message is its own."""


def parsed(text: str) -> list[str] | None:
    """Return the statements as the grammar cuts them; None where it refuses the text."""
    try:
        found: list[str] = postgast.split(text, method="parser")
    except postgast.PgQueryError:
        return None
    return found


def lexed(text: str) -> list[str]:
    """Return the statements of a text that need only consist of tokens. Raises `NoTokens`.

    The library's own `method="scanner"` leaves out what holds no keyword and takes a closing parenthesis too many for
    one that will be opened. So its tokens are cut here, at the semicolons outside parentheses, as psql does.
    """
    data = text.encode()
    found: list[str] = []
    start, depth = -1, 0
    end = 0
    for token in _tokens(text):
        mark = data[token.start : token.end]
        if mark == b";" and depth == 0:
            if start >= 0:
                found.append(data[start:end].decode())
            start = -1
            continue
        depth = max(0, depth + {b"(": 1, b")": -1}.get(mark, 0))
        start = token.start if start < 0 else start
        end = token.end
    return [*found, data[start:end].decode()] if start >= 0 else found


def bare(statement: str) -> str:
    """Return a statement without the comments and blank space around it and without its semicolon."""
    stripped = statement.strip(" \t\n\r\f\v;")
    if not (stripped.startswith(("--", "/*")) or "--" in stripped or stripped.endswith("*/")):
        return stripped  # nothing that has to be looked at: the tokens take ten times as long
    data = statement.encode()
    tokens = _tokens(statement)
    while tokens and data[tokens[-1].start : tokens[-1].end] == b";":
        tokens.pop()
    return data[tokens[0].start : tokens[-1].end].decode() if tokens else ""


def _tokens(text: str) -> list[Any]:
    """Return the tokens that are no comments; they count bytes."""
    try:
        return [token for token in postgast.scan(text).tokens if token.token not in _COMMENTS]
    except postgast.PgQueryError as error:
        raise NoTokens(error.message) from error
