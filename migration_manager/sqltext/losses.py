"""Which statements of a script lose data: rows, columns, whole tables, the position of a sequence.

A script is followed from its beginning, because what it made itself holds nothing of anybody's, and a table that is
rebuilt (made anew, filled from the old one, put in its place) loses nothing either. What cannot be told is a loss:
DROP TABLE of a table that only may be the script's own is one. What nothing in a text shows is none: a new type that
keeps less of a value, an UPDATE, what a function or a DO block runs, a column that a rebuild leaves out.

Pure; holds the names of what was made, and of the losses as many as are told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from migration_manager.model import Dialect, Loss, Statement
from migration_manager.sqltext.effects import (
    OPENINGS,
    Adopted,
    ColumnAdded,
    ColumnRenamed,
    Copied,
    Effect,
    Made,
    Moved,
    Taken,
    Unsettled,
    deletion,
    effects,
    insert_effects,
)
from migration_manager.sqltext.reader import Key

TOLD: Final = 20  # losses of one script that are kept; the rest is counted
_FOLLOWED: Final = 10_000  # names; in a script with more, what is dropped again counts as a loss
_COPIES: Final = 50  # INSERTs looked at for each new table: a rebuild fills its table soon, a dump has a million
_LENGTH: Final = 120  # characters of what is lost
_WITH_INSERT: Final = OPENINGS | {("INSERT",)}


@dataclass(slots=True)
class _Table:
    """A table the script has touched."""

    first: Key  # its name before the script, or that of the table whose place it took
    now: Key | None  # None where it is dropped
    is_new: bool = False  # made here, and nothing of anybody's is in it
    temporary: bool = False
    added: set[Key] = field(default_factory=set)  # columns
    copy: _Table | None = None  # made here, with all its rows

    def is_replaced(self) -> bool:
        """Return whether a copy, or a copy's copy, stands where this table stood."""
        heir = self.copy
        while heir is not None and heir.now is None:
            heir = heir.copy
        return heir is not None and heir.now == self.first


class _Found(NamedTuple):
    loss: Loss
    unless_replaced: _Table | None


class LossFinder:
    """Follows a script, statement after statement, and collects what it loses."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.openings = OPENINGS  # the first words of what has to be looked at from here on
        self._inserts = 0  # that are looked at from here on
        self._delete: Taken | None = None  # of the last one, and how that began
        self._delete_head = "\0"
        self._tables: dict[Key, _Table] = {}
        self._others: set[tuple[str, Key]] = set()  # made here: kind and name
        self._found: list[_Found] = []
        self._certain = 0

    def look_at(self, text: str, statement: Statement, line: int) -> None:
        """Take in the next statement whose first word is in `openings`; `line` is that of the text's beginning."""
        first = statement.words[0]
        if first == "INSERT":
            self._look_at_insert(text, statement)
        elif first == "DELETE":
            self._look_at_delete(text, statement, line)
        else:
            for effect in effects(text, statement, self._dialect):
                if isinstance(effect, Taken):
                    self._take(effect, text, statement, line)
                else:
                    self._follow(effect)

    def losses(self) -> tuple[tuple[Loss, ...], int]:
        """Return the first losses, in the order of the script, and how many there are in all."""
        real = [loss for loss, table in self._found if table is None or not table.is_replaced()]
        beyond = self._certain - sum(table is None for _, table in self._found)
        return tuple(real[:TOLD]), len(real) + beyond

    # ------------------------------------------------------------------------------------ following

    def _look_at_delete(self, text: str, statement: Statement, line: int) -> None:
        if not text.startswith(self._delete_head, statement.start):
            self._delete, self._delete_head = deletion(text, statement, self._dialect)
        if self._delete is not None:
            self._take(self._delete, text, statement, line)

    def _look_at_insert(self, text: str, statement: Statement) -> None:
        self._inserts -= 1
        if not self._inserts:
            self.openings = OPENINGS
        if text[statement.end - 2] == ")":  # VALUES (…), and nothing that has to be read
            return
        for effect in insert_effects(text, statement, self._dialect):
            self._follow(effect)

    def _follow(self, effect: Effect) -> None:
        match effect:
            case Made("TABLE", key, temporary):
                if len(self._tables) < _FOLLOWED:
                    self._tables[key] = _Table(key, key, is_new=True, temporary=temporary)
                    self._inserts += _COPIES
                    self.openings = _WITH_INSERT
            case Made(kind, key):
                if len(self._others) < _FOLLOWED:
                    self._others.add((kind, key))
            case Adopted("TABLE", key):
                self._table(key).is_new = False
            case Adopted(kind, key):
                self._others.discard((kind, key))
            case ColumnAdded(key, column):
                self._table(key).added.add(column)
            case ColumnRenamed(key, column, to):
                self._rename_column(self._table(key), column, to)
            case Moved(key, to):
                self._move(self._table(key), key, to)
            case Copied(source, target):
                copy = self._tables.get(target)
                if copy is not None and copy.is_new and not copy.temporary and source != target:
                    self._table(source).copy = copy
            case Unsettled():
                self._tables.clear()
                self._others.clear()
            case Taken():
                pass

    def _table(self, key: Key) -> _Table:
        """Return the table of that name; one that is not followed yet is followed from here on."""
        table = self._tables.get(key)
        if table is None:
            table = _Table(key, key)
            if len(self._tables) < _FOLLOWED:
                self._tables[key] = table
        return table

    def _move(self, table: _Table, key: Key, to: Key) -> None:
        self._tables.pop(to, None)
        if self._tables.pop(key, None) is not None:
            self._tables[to] = table
        table.now = to

    def _rename_column(self, table: _Table, column: Key, to: Key) -> None:
        is_added = column in table.added
        table.added -= {column, to}
        if is_added:
            table.added.add(to)

    # ---------------------------------------------------------------------------------------- taking

    def _take(self, taken: Taken, text: str, statement: Statement, line: int) -> None:
        table = self._tables.get(taken.key) if taken.kind == "TABLE" else None
        is_new = self._is_new(taken.kind, taken.key)
        replaced = None
        if taken.whole:
            self._others.discard((taken.kind, taken.key))
            if table is not None:
                replaced = self._drop(taken.key, table)
        elif table is not None and taken.column is not None:
            is_new = is_new or taken.column in table.added
            table.added.discard(taken.column)
        if is_new and not taken.anyway:
            return
        self._certain += replaced is None
        if replaced is not None or self._certain <= TOLD:
            loss = Loss(line + text.count("\n", 0, statement.start), _clipped(taken.what))
            self._found.append(_Found(loss, replaced))

    def _is_new(self, kind: str, key: Key) -> bool:
        """Return whether the script made it, and nothing of anybody's is in it."""
        table = self._tables.get(key) if kind == "TABLE" else None
        return table.is_new if table is not None else (kind, key) in self._others

    def _drop(self, key: Key, table: _Table) -> _Table | None:
        """Forget a table that is dropped; return it where a copy may take its place."""
        del self._tables[key]
        table.now = None
        if table.is_new or table.copy is None or table.copy.now is None:
            return None
        # From here on the copy alone has the rows, and another copy of it may take the same place.
        table.copy.is_new = False
        table.copy.first = table.first
        return table


def _clipped(what: str) -> str:
    return what if len(what) <= _LENGTH else what[: _LENGTH - 1] + "…"
