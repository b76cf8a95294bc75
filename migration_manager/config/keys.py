"""The keys of the configuration: types, defaults, flags and variables, and how one given value is checked."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from migration_manager.durations import parse_duration
from migration_manager.errors import nearest
from migration_manager.model import OutOfOrder

VARIABLE_PREFIX: Final = "MIGRATION_MANAGER_"

_VERSION = 'a version of PostgreSQL in quotation marks, like "16" or "16.4"'
_SERVER_VERSION = re.compile(r"[1-9][0-9]{0,2}(?:\.[0-9]{1,3})?")
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_IDENTIFIER_BYTES = 63  # PostgreSQL cuts longer names off silently
_TABLE_BYTES = _IDENTIFIER_BYTES - len("_text")


class Rank(enum.IntEnum):
    """Where a value is given; the greatest wins."""

    DEFAULT = 0
    FILE = 1
    DOTENV = 2
    VARIABLE = 3
    FLAG = 4


@dataclass(frozen=True, slots=True)
class Given:
    """A value as somebody gave it; `origin` names its source to the reader, `place` to who must mend it.

    `is_text` tells that the source knows only text, so that "true" may be a bool there.
    """

    raw: Any = field(repr=False)  # may hold a password
    origin: str
    place: str
    rank: Rank
    is_text: bool = True


@dataclass(frozen=True, slots=True)
class Key:
    """One key: the type msgspec makes of a value, that type in words, and a default as one would write it.

    `check` makes the value to use, or raises `ValueError` with a sentence.
    """

    type: Any
    expected: str
    default: str | None = None
    check: Callable[[Any], Any] = lambda value: value

    def convert(self, given: Given) -> Any:
        """Return the value to use. Raises `ValueError` with a sentence for people."""
        if given.raw == "" and given.rank in (Rank.DOTENV, Rank.VARIABLE):
            raise ValueError("is set but empty; give it a value or unset it")
        try:
            value = msgspec.convert(given.raw, self.type, strict=not given.is_text)
        except msgspec.ValidationError:
            # Not msgspec's own words: they know nothing of TOML and may repeat the value.
            raise ValueError(f"must be {self.expected}") from None
        return self.check(value)


def _filled(value: str) -> str:
    if not value:
        raise ValueError("is empty")
    return value


def _identifier(value: str, limit: int = _IDENTIFIER_BYTES) -> str:
    if any(c < " " or c == "\x7f" for c in _filled(value)):
        raise ValueError("contains a control character")
    if len(value.encode("utf-8", "surrogatepass")) > limit:
        raise ValueError(f"is longer than {limit} bytes")
    return value


def _table_name(value: str) -> str:
    if "." in value:
        raise ValueError("must be a name without a dot; the schema is history_schema")
    return _identifier(value, _TABLE_BYTES)


def environment_name(value: str) -> str:
    """Return the name; raises `ValueError` where it could not be a folder's name or stand in a directive."""
    if not _ENVIRONMENT_NAME.fullmatch(value):
        raise ValueError("must be a name of letters, digits, _, - and . that begins with a letter or digit, at most 63")
    return value


def _duration(value: str | int) -> int:
    return parse_duration(str(value))


def _count(value: int) -> int:
    if value < 0:
        raise ValueError("must be 0 or more")
    return value


def _server_version(value: str | int) -> str:
    if not _SERVER_VERSION.fullmatch(str(value)):
        raise ValueError(f"must be {_VERSION}")
    return str(value)


_TEXT = "text in quotation marks"
_TIME = 'a time with its unit in quotation marks, like "5s"'
_BOOL = "true or false"
_NUMBER = "a whole number"

KEYS_OF_FILE: Final = {
    "migrations": Key(str, _TEXT, "migrations", _filled),
    "default_environment": Key(str, _TEXT, "dev", environment_name),
    "scratch_url": Key(str, _TEXT),
}
URL_KEYS: Final = ("url", "migrate_url", "scratch_url")  # their values may hold ${NAME}, and a password
PATH_KEYS: Final = ("schema_file", "pg_bin")
KEYS_OF_ENVIRONMENT: Final = {
    "url": Key(str, _TEXT),
    "migrate_url": Key(str, _TEXT),
    "protected": Key(bool, _BOOL, "false"),
    "role": Key(str, _TEXT, None, _identifier),
    "history_schema": Key(str, _TEXT, None, _identifier),
    "history_table": Key(str, _TEXT, "schema_migrations", _table_name),
    "lock_timeout": Key(str | int, _TIME, "5s", _duration),
    "lock_retries": Key(int, _NUMBER, "10", _count),
    "lock_retry_budget": Key(str | int, _TIME, "10min", _duration),
    "lock_queue_limit": Key(int, _NUMBER, "0", _count),
    "show_queries": Key(bool, _BOOL, "true"),
    "statement_timeout": Key(str | int, _TIME, "0", _duration),
    "lock_wait": Key(str | int, _TIME, "10min", _duration),
    "out_of_order": Key(OutOfOrder, '"refuse", "warn" or "allow"', "warn"),
    "schema_file": Key(str, _TEXT, None, _filled),
    "pg_bin": Key(str, _TEXT, None, _filled),
    "require_rollback": Key(bool, _BOOL, "false"),
    "server_version": Key(str | int, _VERSION, None, _server_version),
}
KEYS: Final = {
    "config": Key(str, _TEXT, None, _filled),
    "environment": Key(str, _TEXT, None, environment_name),
    **KEYS_OF_FILE,
    **KEYS_OF_ENVIRONMENT,
}


def flag_name(key: str) -> str:
    """Return the flag that sets a key."""
    return {"environment": "--env", "migrations": "--dir"}.get(key) or "--" + key.replace("_", "-")


def variable_name(key: str) -> str:
    """Return the environment variable that sets a key."""
    return VARIABLE_PREFIX + {"environment": "ENV", "migrations": "DIR"}.get(key, key.upper())


# `default_environment` has none: MIGRATION_MANAGER_ENV says which environment to use.
VARIABLES: Final = {variable_name(key): key for key in KEYS if key != "default_environment"}


def unknown_key(key: str, known: Iterable[str]) -> str:
    """Say that a key is unknown, and which one may be meant."""
    known = list(known)
    close = nearest(key, known)
    return f"is unknown; did you mean {close}?" if close else f"is unknown; known are {', '.join(known)}"


def unknown_variable(name: str) -> str:
    """Say that a variable of our prefix is unknown, and which one may be meant."""
    # Without the prefix they all share, which makes any two look alike.
    endings = [known.removeprefix(VARIABLE_PREFIX) for known in VARIABLES]
    if close := nearest(name.removeprefix(VARIABLE_PREFIX), endings):
        return f"is unknown; did you mean {VARIABLE_PREFIX}{close}?"
    return f"is unknown; after {VARIABLE_PREFIX} may stand {', '.join(endings)}"
