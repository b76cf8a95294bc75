"""A schema's text as it is kept in a file: the same between two runs, minor versions and, as far as possible, majors.

Pure: from what pg_dump or a SQLite file says to what is written. What is taken away is noise (versions, the restrict
lines' key, a setting that older servers do not know, sections without a statement), the history's own schema where it
holds nothing else, and what holds a password: user mappings. Nothing that stands inside a statement is touched.
"""

from __future__ import annotations

import bisect
import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from migration_manager.model import Dialect, Recorded, State
from migration_manager.names import order_key
from migration_manager.redact import Redactor
from migration_manager.sqltext import Sql, SqlTextError, stream

_HEAD: Final = re.compile(
    r"^--\n-- Name: (?P<name>.*?); Type: (?P<type>[A-Z ]+); Schema: (?P<schema>.*?); Owner: .*\n--\n", re.MULTILINE
)
_TAIL: Final = re.compile(r"^--\n-- PostgreSQL database dump complete\n--\n", re.MULTILINE)
_VERSIONS: Final = re.compile(r"^-- Dumped (?:from database|by pg_dump) version .*\n+", re.MULTILINE)
_RESTRICT: Final = re.compile(r"^\\restrict [A-Za-z0-9]+\n+", re.MULTILINE)
_UNRESTRICT: Final = re.compile(r"\\unrestrict [A-Za-z0-9]+\n+\Z")
# From pg_dump 17 on. It says what is the default, and no server before 17 knows it.
_TRANSACTION_TIMEOUT: Final = "SET transaction_timeout = 0;\n"
_WITH_PASSWORDS: Final = "USER MAPPING"
_SHOWN: Final = 60  # lines of a difference
_SHORTEST_SECRET: Final = 8  # characters


@dataclass(frozen=True, slots=True)
class _Section:
    """One object of a dump: its head's facts, and where its text is, head included."""

    name: str
    type: str
    schema: str
    start: int
    end: int


def stable_dump(text: str, *, history_schema: str | None = None) -> tuple[str, tuple[str, ...]]:
    """Return a plain schema dump without its noise, and sentences about what was left out of it.

    `history_schema` is left out where nothing is described in it.
    """
    sections = _sections(text)
    if not sections:
        return _plain(text), ()
    dropped = {section for section in sections if _is_empty(text, section)}
    dropped |= {section for section in sections if section.type == _WITH_PASSWORDS}
    if history_schema is not None:
        dropped |= _of_schema_alone(text, sections, history_schema)
    warnings = tuple(
        f"left out, for it may hold a password: {section.name}"
        for section in sections
        if section.type == _WITH_PASSWORDS
    )
    kept = [text[section.start : section.end] for section in sections if section not in dropped]
    end = sections[-1].end
    return _plain(text[: sections[0].start]) + "".join(kept) + _plain(text[end:]), warnings


def _plain(text: str) -> str:
    """Return the beginning or the end of a dump without its noise."""
    for noise in (_VERSIONS, _RESTRICT, _UNRESTRICT):
        text = noise.sub("", text)
    return text.replace(_TRANSACTION_TIMEOUT, "")


def _sections(text: str) -> list[_Section]:
    statements = _statements(text)
    heads = [head for head in _HEAD.finditer(text) if not _is_inside(head.start(), statements)]
    tails = [tail.start() for tail in _TAIL.finditer(text) if not _is_inside(tail.start(), statements)]
    ends = [head.start() for head in heads[1:]] + [tails[-1] if tails else len(text)]
    return [
        _Section(head["name"], head["type"], head["schema"], head.start(), end)
        for head, end in zip(heads, ends, strict=False)
    ]


def _statements(text: str) -> list[tuple[int, int]]:
    """Return where the statements begin and end; what cannot be read has none, and nothing is found inside of one."""
    found: list[tuple[int, int]] = []
    try:
        for piece in stream((text,), Dialect.POSTGRESQL):
            if isinstance(piece, Sql):
                found += [(piece.start + each.start, piece.start + each.end) for each in piece.statements]
    except SqlTextError:
        return [(0, len(text))]  # nothing is taken out of what is not understood
    return found


def _is_inside(offset: int, statements: Sequence[tuple[int, int]]) -> bool:
    at = bisect.bisect_right(statements, offset, key=lambda bounds: bounds[0]) - 1
    return at >= 0 and statements[at][0] <= offset < statements[at][1]


def _is_empty(text: str, section: _Section) -> bool:
    lines = text[section.start : section.end].split("\n")
    return all(not line or line.startswith("--") for line in lines)


def _of_schema_alone(text: str, sections: Sequence[_Section], schema: str) -> set[_Section]:
    """Return the sections about a schema in which nothing else is described; none where something is."""
    about = {
        section
        for section in sections
        if (section.name, section.type)
        in ((schema, "SCHEMA"), (f"SCHEMA {schema}", "ACL"), (f"SCHEMA {schema}", "COMMENT"))
    }
    in_it = re.compile(rf'WITH SCHEMA "?{re.escape(schema)}"?;')
    others = [section for section in sections if section not in about]
    is_used = any(s.schema == schema or in_it.search(text[s.start : s.end]) for s in others)
    return set() if is_used else about


# ---------------------------------------------------------------------------------------------- what is written


def of_definitions(definitions: Iterable[str]) -> str:
    """Return the text of a schema whose statements the database keeps itself."""
    return "\n".join(f"{definition.strip().removesuffix(';')};\n" for definition in definitions)


def with_applied(schema: str, recorded: Recorded) -> str:
    """Return a schema's text with the names of the migrations that made it, in file order, as comments at its end.

    Comments and no INSERTs: the file has to load into an empty database, where there is no history yet, and has to be a
    first migration, whose record is the runner's.
    """
    return schema.strip("\n") + "\n" * (2 if schema.strip("\n") else 0) + "\n".join(_applied(recorded)) + "\n"


def _applied(recorded: Recorded) -> Iterator[str]:
    rows = sorted(recorded.applied, key=lambda row: order_key(row.name))
    applied = [row.name for row in rows if row.state is State.APPLIED]
    if not rows:
        yield "-- No migration is applied."
        return
    if applied:
        yield "-- Applied migrations. To take a database that this file was loaded into into use, record them as such:"
        yield f"-- migration-manager baseline --to {applied[-1]}"
        yield "--"
        yield from (f"-- applied: {name}" for name in applied)
    yield from (f"-- unfinished: {row.name}" for row in rows if row.state is not State.APPLIED)


def difference(kept: str | None, now: str, shown: str) -> tuple[str, ...]:
    """Return how a kept file differs from the schema, as a unified diff; nothing where it does not.

    Whether lines end in LF or CRLF is no difference. `kept` is None where there is no file.
    """
    old = "" if kept is None else kept.replace("\r\n", "\n")
    if kept is not None and old == now:
        return ()
    lines = difflib.unified_diff(old.splitlines(), now.splitlines(), shown, "the database", lineterm="", n=2)
    return tuple(lines) or (f"{shown} differs in its last line's end",)


def shortened(lines: Sequence[str], most: int = _SHOWN) -> tuple[str, ...]:
    """Return a difference as it is shown: its beginning, and how much more there is."""
    more = len(lines) - most
    return tuple(lines) if more <= 0 else (*lines[:most], f"… and {more} more lines")


def place_of_secret(text: str, secret: str) -> int | None:
    """Return the line, from 1, on which a text has a secret in one of its forms; None where it has not.

    One that might be a name counts as a value only, behind a quotation mark, `=` or `:`, and a short one not at all: a
    table may be called like a careless password.
    """
    if len(secret) < _SHORTEST_SECRET:
        return None
    is_word = secret.isidentifier()
    for start, end in Redactor((secret,)).places(text):
        is_value = text[start - 1 : start] in tuple("'\"=:")
        is_whole = not (text[end : end + 1].isalnum() or text[end : end + 1] == "_")
        if not is_word or (is_value and is_whole):
            return text.count("\n", 0, start) + 1
    return None
