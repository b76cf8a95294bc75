"""What a statement is, as far as somebody has to know before it runs.

Which way a COPY goes, whether it controls the transaction, may run inside one, changes how strings are read.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from migration_manager.model import Control, Dialect, Statement
from migration_manager.sqltext.lexical import Kind, Token, tokens, upper

_ENOUGH_TOKENS: Final = 1000  # whatever has to be told apart is told apart by then


def statement_tokens(text: str, statement: Statement, dialect: Dialect) -> Iterator[Token]:
    """Yield the tokens of a statement without its comments."""
    found = tokens(text, dialect, statement.start, statement.end, backslashes=statement.backslashes)
    return (token for token in found if token.kind is not Kind.COMMENT)


def _texts(text: str, statement: Statement, dialect: Dialect) -> list[str]:
    """Return the tokens of a statement without comments and semicolon; words in upper case."""
    found = [
        upper(text[token.start : token.end]) if token.kind is Kind.WORD else text[token.start : token.end]
        for token in islice(statement_tokens(text, statement, dialect), _ENOUGH_TOKENS)
    ]
    return found[:-1] if found[-1:] == [";"] else found


def _values(text: str, statement: Statement, dialect: Dialect) -> list[str]:
    """Return the tokens with their quotes off, in upper case: option values may be written either way."""
    return [piece.strip("'\"").upper() for piece in _texts(text, statement, dialect)]


# --------------------------------------------------------------------------------------------------- COPY


class CopyDirection(enum.Enum):
    """Which way a COPY moves rows between the server and the client."""

    IN = "from stdin"
    OUT = "to stdout"


def copy_direction(text: str, statement: Statement) -> CopyDirection | None:
    """Return whether a statement copies from or to the client; None when it does neither."""
    if statement.words[:1] != ("COPY",):
        return None
    depth, last = 0, ""
    for token in statement_tokens(text, statement, Dialect.POSTGRESQL):
        word = upper(text[token.start : token.end])
        if word in ("(", ")"):
            depth += 1 if word == "(" else -1
        # The grammar takes both words in both directions; FROM and TO say which way the rows go.
        elif depth == 0 and word in ("STDIN", "STDOUT") and last in ("FROM", "TO"):
            return CopyDirection.IN if last == "FROM" else CopyDirection.OUT
        last = word
    return None


def copy_format(text: str, statement: Statement) -> str:
    """Return the format of the rows that a COPY moves, in small letters: `text` where it asks for none."""
    found = [upper(text[token.start : token.end]) for token in statement_tokens(text, statement, Dialect.POSTGRESQL)]
    if found[1:2] == ["BINARY"]:
        return "binary"
    client = max((at for at, word in enumerate(found) if word in ("STDIN", "STDOUT")), default=0)
    depth, last = 0, ""
    for option in found[client:]:
        depth += {"(": 1, ")": -1}.get(option, 0)
        if depth == 0 and option == "WHERE":
            break
        if depth == 1 and last == "FORMAT":
            return option.strip("'\"").lower()
        if depth == 0 and option in ("BINARY", "CSV"):  # as before PostgreSQL 9.0, and still taken
            return option.lower()
        last = option
    return "text"


# ------------------------------------------------------------------------------------ transaction control


def transaction_control(text: str, statement: Statement, dialect: Dialect) -> tuple[Control | None, bool]:
    """Return how a statement controls the transaction, and whether it does so without any option."""
    found = _texts(text, statement, dialect)
    first, rest = found[0], list(found[1:])
    if first in ("SAVEPOINT", "RELEASE"):
        return Control.SAVEPOINT, False
    if first == "PREPARE":  # PREPARE transaction AS and PREPARE transaction (int) AS name a statement
        is_control = rest[:1] == ["TRANSACTION"] and rest[1:2] not in (["AS"], ["("])
        return (Control.PREPARE if is_control else None), False
    if first == "START":
        return (Control.BEGIN, len(rest) == 1) if rest[:1] == ["TRANSACTION"] else (None, False)
    if rest[:1] == ["PREPARED"]:
        return Control.PREPARE, False
    if first == "BEGIN" and dialect is Dialect.SQLITE and rest[:1] in (["DEFERRED"], ["IMMEDIATE"], ["EXCLUSIVE"]):
        del rest[0]
    if rest[:1] == ["TRANSACTION"] or (rest[:1] == ["WORK"] and dialect is Dialect.POSTGRESQL):
        del rest[0]
    if first == "BEGIN":
        return Control.BEGIN, not rest
    if first in ("COMMIT", "END"):
        return Control.COMMIT, not rest or rest == ["AND", "NO", "CHAIN"]
    # SQLite takes ROLLBACK TRANSACTION name TO savepoint, too; the name means nothing.
    return (Control.SAVEPOINT, False) if "TO" in rest[:2] else (Control.ROLLBACK, not rest)


# Statements that PostgreSQL refuses in a transaction block (25001), by their leading words; measured on 15 and 18
# (RELIABILITY B7). Never the only truth: the server has the last word, and what it says of DROP SUBSCRIPTION depends
# on the subscription's slot.
TRANSACTION_REFUSERS: Final = (
    ("CREATE", "DATABASE"),
    ("DROP", "DATABASE"),
    ("CREATE", "TABLESPACE"),
    ("DROP", "TABLESPACE"),
    ("VACUUM",),
    ("ALTER", "SYSTEM"),
    ("CREATE", "INDEX", "CONCURRENTLY"),
    ("CREATE", "UNIQUE", "INDEX", "CONCURRENTLY"),
    ("DROP", "INDEX", "CONCURRENTLY"),
    ("REINDEX", "INDEX", "CONCURRENTLY"),
    ("REINDEX", "TABLE", "CONCURRENTLY"),
    ("REINDEX", "SCHEMA"),
    ("REINDEX", "DATABASE"),
    ("REINDEX", "SYSTEM"),
    ("DISCARD", "ALL"),
)
# What SQLite silently ignores inside a transaction (foreign_keys) or refuses there (journal_mode to and from WAL).
SQLITE_PRAGMAS: Final = frozenset({"FOREIGN_KEYS", "JOURNAL_MODE"})
_OFF: Final = (["FALSE"], ["OFF"], ["0"])


def refuses_transaction(text: str, statement: Statement, dialect: Dialect) -> bool:
    """Return whether the database is known to refuse, or to ignore, this statement inside a transaction."""
    words = statement.words
    if dialect is Dialect.SQLITE:
        return words[:1] == ("VACUUM",) or (
            words[:1] == ("PRAGMA",) and _sets_pragma(_values(text, statement, dialect))
        )
    if words[:1] not in _REFUSERS_BEGIN:
        return False
    if any(words[: len(refuser)] == refuser for refuser in TRANSACTION_REFUSERS):
        return True
    look_closer = _LOOK_CLOSER.get(words[:2]) or _LOOK_CLOSER.get(words[:1])
    return look_closer is not None and look_closer(_values(text, statement, dialect))


def _sets_pragma(found: Sequence[str]) -> bool:
    name = 3 if found[2:3] == ["."] else 1  # PRAGMA main.journal_mode
    return found[name] in SQLITE_PRAGMAS and found[name + 1 : name + 2] in (["="], ["("]) if found[name:] else False


def _clusters_everything(found: Sequence[str]) -> bool:
    rest = [word for word in found[1:] if word != "VERBOSE"]
    return not rest or (rest[0] == "(" and rest[-1] == ")")


def _reindexes_alone(found: Sequence[str]) -> bool:
    if found[1:2] != ["("] or ")" not in found:
        return False
    close = found.index(")")
    options, target = found[2:close], found[close + 1 :]
    if target[:1] in (["SCHEMA"], ["DATABASE"], ["SYSTEM"]) or target[1:2] == ["CONCURRENTLY"]:
        return True
    return "CONCURRENTLY" in options and options[options.index("CONCURRENTLY") + 1 :][:1] not in _OFF


def _detaches_concurrently(found: Sequence[str]) -> bool:
    return "DETACH" in found and found[-1] == "CONCURRENTLY"


def _moves_database(found: Sequence[str]) -> bool:
    return found[-3:-1] == ["SET", "TABLESPACE"]


def _makes_slot(found: Sequence[str]) -> bool:
    """CREATE SUBSCRIPTION makes a replication slot unless its options say otherwise."""
    return not any(
        option in found and [value for value in found[found.index(option) + 1 :][:2] if value != "="][:1] in _OFF
        for option in ("CREATE_SLOT", "CONNECT")
    )


_LOOK_CLOSER: Final = {
    ("CLUSTER",): _clusters_everything,
    ("CLUSTER", "VERBOSE"): _clusters_everything,
    ("REINDEX",): _reindexes_alone,
    ("ALTER", "TABLE"): _detaches_concurrently,
    ("ALTER", "DATABASE"): _moves_database,
    ("CREATE", "SUBSCRIPTION"): _makes_slot,
}
_REFUSERS_BEGIN: Final = frozenset(words[:1] for words in (*TRANSACTION_REFUSERS, *_LOOK_CLOSER))


# ------------------------------------------------------------------------------- how the text is taken


class Conventions(NamedTuple):
    """How a session takes the text it is sent. One of ours begins with, and RESET goes back to, what stands here."""

    backslashes: bool = False  # they escape in every string: standard_conforming_strings is off
    is_utf8: bool = True  # client_encoding


_STRINGS: Final = "STANDARD_CONFORMING_STRINGS"
_ENCODING: Final = "CLIENT_ENCODING"
_UTF8: Final = ("UTF8", "UTF-8", "UNICODE", "DEFAULT")


def conventions_after(text: str, statement: Statement, now: Conventions) -> Conventions:
    """Return how a session takes what follows a statement, as far as the statement's text shows it."""
    first = statement.words[0] if statement.words else ""
    if first == "RESET":
        again = {"ALL": Conventions(), _STRINGS: now._replace(backslashes=False), _ENCODING: now._replace(is_utf8=True)}
        return again.get(statement.words[1] if statement.words[1:] else "", now)
    if first not in ("SET", "SELECT"):
        return now
    written = upper(text[statement.start : statement.end])
    if _STRINGS not in written and _ENCODING not in written and statement.words[1:2] != ("NAMES",):
        return now
    name, value = _setting(_values(text, statement, Dialect.POSTGRESQL), first)
    if name == _STRINGS:
        return now._replace(backslashes=_is_false(value))
    return now._replace(is_utf8=value in _UTF8) if name == _ENCODING else now


def _setting(found: Sequence[str], first: str) -> tuple[str, str]:
    """Return the name and the value that a SET, or a SELECT of set_config, gives a setting; blank where it does not."""
    if first == "SELECT":
        call = found[found.index("SET_CONFIG") :] if "SET_CONFIG" in found else []
        return (call[2], call[4]) if call[1:2] == ["("] and call[3:4] == [","] and call[4:] else ("", "")
    rest = found[2:] if found[1:2] in (["SESSION"], ["LOCAL"]) else found[1:]
    if rest[:1] == ["NAMES"]:
        return _ENCODING, rest[1] if rest[1:] else "DEFAULT"
    return (rest[0], rest[2]) if len(rest) == 3 and rest[1] in ("TO", "=") else ("", "")


def _is_false(value: str) -> bool:
    """Return whether the server takes the value of a boolean setting for false (src/backend/utils/adt/bool.c)."""
    return value in ("OF", "OFF", "0") or (value != "" and ("FALSE".startswith(value) or "NO".startswith(value)))


# --------------------------------------------------------------------------------------------------- settings


class Setting(enum.Enum):
    """How a statement sets something for its session."""

    PLAIN = "it does nothing else"
    COMPUTED = "in an expression that may do more"


def setting_in(text: str, statement: Statement) -> Setting | None:
    """Return how a PostgreSQL statement sets something for its session; None for one that does not."""
    if statement.words[:1] in (("SET",), ("RESET",)):
        return Setting.PLAIN
    if statement.words[:1] != ("SELECT",):
        return None
    found = _texts(text, statement, Dialect.POSTGRESQL)
    if "SET_CONFIG" not in found:
        return None
    call = found[1:] if found[1:2] == ["SET_CONFIG"] else found[3:] if found[1:3] == ["PG_CATALOG", "."] else []
    name, value, local = call[2:3], call[4:5], call[6:7]
    is_literal = all(piece[:1] == "'" for piece in (*name, *value)) and local in (["FALSE"], ["TRUE"])
    is_plain = call == ["SET_CONFIG", "(", *name, ",", *value, ",", *local, ")"]
    return Setting.PLAIN if is_literal and is_plain else Setting.COMPUTED
