"""What one statement does to tables and columns, as far as its own text shows it: makes, names, copies, takes away.

Only what the statement itself says: nothing is looked for in strings, comments, bodies of functions, DO blocks, or in
what EXECUTE, EXPLAIN ANALYZE and CALL run. It knows no schema, so a name is what is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from migration_manager.model import Dialect, Statement
from migration_manager.sqltext.reader import Key, Name, Reader


@dataclass(frozen=True, slots=True)
class Made:
    """Something that did not exist before, so that nothing is in it."""

    kind: str
    key: Key
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class ColumnAdded:
    table: Key
    column: Key


@dataclass(frozen=True, slots=True)
class Moved:
    """A table that has another name, or is in another schema, from now on."""

    table: Key
    to: Key


@dataclass(frozen=True, slots=True)
class ColumnRenamed:
    table: Key
    column: Key
    to: Key


@dataclass(frozen=True, slots=True)
class Adopted:
    """Something that may hold what others wrote from now on: a table with another one below it, a schema."""

    kind: str
    key: Key


@dataclass(frozen=True, slots=True)
class Copied:
    """Every row of a table written into another one. Whether every column was cannot be told without the schema."""

    source: Key
    target: Key


@dataclass(frozen=True, slots=True)
class Taken:
    """Data that goes; `what` says so in the words of the statement. A column goes where `column` is set.

    `anyway`: also what this script did not make may go with it. `whole`: the thing itself goes, not only what it holds.
    """

    kind: str
    key: Key
    what: str
    column: Key | None = None
    whole: bool = False
    anyway: bool = False


@dataclass(frozen=True, slots=True)
class Unsettled:
    """What unqualified names mean, or what the script has made, is another from here on."""


Effect = Made | ColumnAdded | Moved | ColumnRenamed | Adopted | Copied | Taken | Unsettled

# Statements that may have an effect, by their first word; INSERT is one where it copies a table.
OPENINGS: Final = frozenset({
    ("ALTER",), ("CREATE",), ("DELETE",), ("DISCARD",), ("DROP",), ("MERGE",), ("RESET",), ("ROLLBACK",), ("SET",),
    ("TRUNCATE",), ("WITH",),
})  # fmt: skip


def effects(text: str, statement: Statement, dialect: Dialect) -> Iterator[Effect]:
    """Yield what a statement does, in order; nothing for one that takes nothing and makes nothing.

    A DELETE is for `deletion`, an INSERT for `insert_effects`: of both there may be very many.

    An UPDATE, a changed type or a REPLACE leaves rows and columns where they are, and none of them is found here.
    """
    read = _READERS.get(statement.words[0] if statement.words else "")
    if read is not None:
        yield from read(Reader(text, statement, dialect), statement.words)


_Read = Callable[[Reader, tuple[str, ...]], Iterator[Effect]]

# ------------------------------------------------------------------------------------------ taking away

_ALWAYS: Final = frozenset({"TABLE", "DATABASE", "SEQUENCE"})  # a sequence has its position to lose
# Without CASCADE the server drops none of these while a table or a column needs it.
_WITH_CASCADE: Final = frozenset({"SCHEMA", "TYPE", "DOMAIN", "COLLATION", "EXTENSION", "ACCESS METHOD"})


def _drop(reader: Reader, _: tuple[str, ...]) -> Iterator[Effect]:
    reader.step()
    kind = reader.step()
    if kind in ("ACCESS", "OWNED"):
        kind += " " + reader.step()
    if kind == "OWNED BY":
        yield from (Taken(kind, name.key, f"DROP OWNED BY {name.shown}", anyway=True) for name in reader.names())
    if kind not in _ALWAYS and kind not in _WITH_CASCADE:
        return
    reader.takes("IF", "EXISTS")
    dropped = list(reader.names())
    needs = kind in _WITH_CASCADE
    if needs and not reader.takes("CASCADE"):
        return
    for name in dropped:
        yield Taken(kind, name.key, f"DROP {kind} {name.shown}{' CASCADE' if needs else ''}", whole=True)


def _truncate(reader: Reader, _: tuple[str, ...]) -> Iterator[Effect]:
    reader.step()
    reader.takes("TABLE")
    names = list(reader.names())
    cascades = "CASCADE" in reader.steps()
    for name in names:
        what = f"TRUNCATE {name.shown}{' CASCADE' if cascades else ''}"
        yield Taken("TABLE", name.key, what, anyway=cascades)


def deletion(text: str, statement: Statement, dialect: Dialect) -> tuple[Taken | None, str]:
    """Return what a DELETE takes, and the beginning of its text that says so.

    Another one that begins in the same way takes the same: a long file has many of them.
    """
    reader = Reader(text, statement, dialect)
    taken = next(_delete(reader, ()), None)
    if taken is None:
        return None, text[statement.start : statement.end]
    return taken, text[statement.start : reader.position + 1]  # one further, where its last word ends


def _delete(reader: Reader, _: tuple[str, ...]) -> Iterator[Taken]:
    depth = reader.depth
    if not reader.takes("DELETE", "FROM"):
        return
    reader.takes("ONLY")
    name = reader.name()
    if name is None:
        return
    has_where = False
    while not has_where and reader.depth >= depth and (word := reader.step()):
        has_where = word == "WHERE" and reader.depth == depth
    yield Taken("TABLE", name.key, f"DELETE FROM {name.shown}{' WHERE …' if has_where else ''}")


def _merge(reader: Reader, _: tuple[str, ...]) -> Iterator[Taken]:
    depth = reader.depth
    reader.takes("MERGE", "INTO")
    reader.takes("ONLY")
    name = reader.name()
    last = ""
    while reader.depth >= depth and (word := reader.step()):
        if word == "DELETE" and last == "THEN" and name is not None:
            yield Taken("TABLE", name.key, f"MERGE INTO {name.shown} … DELETE")
            return
        last = word


_VERBS: Final = frozenset({"DELETE", "INSERT", "MERGE", "SELECT", "UPDATE", "VALUES"})


def _with(reader: Reader, _: tuple[str, ...]) -> Iterator[Effect]:
    """Find what a WITH deletes, in its parts and in the statement it belongs to.

    DELETE may be a column's name, so it counts only where a statement begins: after `AS (`, and after the last part.
    """
    if not reader.mentions("DELETE"):  # the usual, and much faster than to read it
        return
    before, last, in_parts = "", "", True
    after_part = False
    while word := reader.word():
        is_main = in_parts and after_part and reader.depth == 0 and last != "," and word in _VERBS
        in_parts = in_parts and not is_main
        if (is_main or (last == "(" and before in ("AS", "MATERIALIZED"))) and word in ("DELETE", "MERGE"):
            yield from (_delete if word == "DELETE" else _merge)(reader, ())
        before, last = last, reader.step()
        after_part = after_part or last == ")"


# ------------------------------------------------------------------------------------------------ changing


def _alter(reader: Reader, _: tuple[str, ...]) -> Iterator[Effect]:
    reader.step()
    kind = reader.step()
    if kind in ("TABLE", "TYPE"):
        reader.takes("IF", "EXISTS")
        reader.takes("ONLY")
        name = reader.name()
        reader.takes("*")
        if name is not None:
            for action in _actions(reader):
                yield from (_table_action if kind == "TABLE" else _type_action)(reader, name, action)
    elif (kind in _ALWAYS or kind in _WITH_CASCADE) and {"RENAME", "SCHEMA"} & set(reader.steps()):
        yield Unsettled()


def _actions(reader: Reader) -> Iterator[str]:
    """Yield the first word of each action; the reader is behind it then."""
    yield reader.step()
    while word := reader.step():
        if word == "," and reader.depth == 0:
            yield reader.step()


def _table_action(reader: Reader, table: Name, action: str) -> Iterator[Effect]:
    if action == "DROP" and not reader.takes("CONSTRAINT"):
        reader.takes("COLUMN")
        reader.takes("IF", "EXISTS")
        if column := reader.name():
            yield Taken("TABLE", table.key, f"DROP COLUMN {table.shown}.{column.shown}", column=column.key)
    elif action == "ADD":
        reader.takes("COLUMN")
        if not reader.takes("IF", "NOT", "EXISTS") and (column := reader.name()):
            yield ColumnAdded(table.key, column.key)
    elif action == "RENAME":
        yield from _rename(reader, table)
    elif action == "SET" and reader.takes("SCHEMA"):
        if schema := reader.name():
            yield Moved(table.key, (*schema.key, table.key[-1]))
            yield Adopted("SCHEMA", schema.key)
    elif action == "ATTACH":
        yield Adopted("TABLE", table.key)
    elif action == "INHERIT" and (parent := reader.name()):
        yield Adopted("TABLE", parent.key)


def _rename(reader: Reader, table: Name) -> Iterator[Effect]:
    if reader.takes("CONSTRAINT"):
        return
    if reader.takes("TO"):
        if to := reader.name():
            yield Moved(table.key, (*table.key[:-1], *to.key))
        return
    reader.takes("COLUMN")
    column = reader.name()
    if column and reader.takes("TO") and (to := reader.name()):
        yield ColumnRenamed(table.key, column.key, to.key)


def _type_action(reader: Reader, kind: Name, action: str) -> Iterator[Effect]:
    if action in ("RENAME", "SET"):
        yield Unsettled()
    elif action == "DROP" and reader.takes("ATTRIBUTE"):
        reader.takes("IF", "EXISTS")
        if attribute := reader.name():
            yield Taken("TYPE", kind.key, f"DROP ATTRIBUTE {kind.shown}.{attribute.shown}")


# ------------------------------------------------------------------------------------------------ making

_TABLE_WORDS: Final = frozenset({"GLOBAL", "LOCAL", "TEMP", "TEMPORARY", "UNLOGGED", "VIRTUAL"})


def _create(reader: Reader, _: tuple[str, ...]) -> Iterator[Effect]:
    reader.step()
    before = set()
    while reader.word() in _TABLE_WORDS:
        before.add(reader.step())
    kind = reader.step()
    if kind not in _ALWAYS and kind not in _WITH_CASCADE:
        return
    if reader.takes("IF", "NOT", "EXISTS"):  # it may have been there, with all that is in it
        return
    name = reader.name()
    if name is None:
        return
    yield Made(kind, name.key, temporary=bool(before & {"TEMP", "TEMPORARY"}))
    if kind == "TABLE" and reader.takes("AS"):
        yield from _copied(reader, name)


def insert_effects(text: str, statement: Statement, dialect: Dialect) -> Iterator[Effect]:
    """Yield the copy that an INSERT makes of a whole table; nothing for any other INSERT."""
    reader = Reader(text, statement, dialect)
    reader.step()
    if reader.takes("OR") and reader.step() in ("IGNORE", "REPLACE"):
        return
    target = reader.name() if reader.takes("INTO") else None
    if target is None:
        return
    if reader.takes("AS"):
        reader.step()
    if reader.word() == "(":
        depth = reader.depth
        while reader.step() and reader.depth > depth:
            pass
    if reader.takes("OVERRIDING"):
        reader.step()
        reader.step()
    yield from _copied(reader, target)


def _copied(reader: Reader, target: Name) -> Iterator[Effect]:
    """Yield the copy where a query takes every row of one table, and only those: SELECT … FROM table [ORDER BY …]."""
    if not reader.takes("SELECT") or reader.word() == "DISTINCT":
        return
    while word := reader.step():
        if word == "FROM" and reader.depth == 0:
            break
    source = reader.name()
    if source is None:
        return
    if reader.takes("AS"):
        reader.step()
    rest = [word for word in reader.steps() if word != ";"]
    if not rest or (rest[:2] == ["ORDER", "BY"] and not {"LIMIT", "OFFSET", "FETCH", "ON", "WITH"} & set(rest)):
        yield Copied(source.key, target.key)


# ---------------------------------------------------------------------------------------------- settings

_SESSION: Final = frozenset({"ALL", "AUTHORIZATION", "ROLE", "SCHEMA", "SEARCH_PATH", "TEMP", "TEMPORARY"})


def _setting(_reader: Reader, words: tuple[str, ...]) -> Iterator[Effect]:
    if _SESSION & set(words[1:4]):
        yield Unsettled()


def _rolled_back(_reader: Reader, _: tuple[str, ...]) -> Iterator[Effect]:
    """Say of a rollback to a savepoint that what was made since may not be there any more."""
    yield Unsettled()


_READERS: Final[dict[str, _Read]] = {
    "ALTER": _alter,
    "CREATE": _create,
    "DISCARD": _setting,
    "DROP": _drop,
    "MERGE": _merge,
    "RESET": _setting,
    "ROLLBACK": _rolled_back,
    "SET": _setting,
    "TRUNCATE": _truncate,
    "WITH": _with,
}
