"""SQLite's catalog as a `Catalog`: from the pragmas, and from the texts in the schema table for what no pragma tells.

Objects are called as they were made; inside a definition names are in lower case, for their case means nothing to
SQLite. A constraint without a name goes by what it says. Left out are SQLite's own tables and indexes, the tables in
which a virtual table keeps its content, and the history of this tool with all that belongs to it.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

from migration_manager.catalog import COLUMN_ORDER, CONSTRAINT, Catalog, Item
from migration_manager.engines.sqlite_definition import (
    ROWID,
    ColumnText,
    ConstraintText,
    Reference,
    TableText,
    Unreadable,
    default_as_read,
    index_terms,
    module_of,
    read_table,
    trigger_words,
    type_as_read,
    view_query,
)
from migration_manager.engines.sqlite_failures import ask, code_of, trouble
from migration_manager.engines.sqlite_words import Form, Word, as_sql, folded, rewritten, words_of
from migration_manager.sqltext import SqlTextError

_SETTINGS: Final = ("application_id", "user_version")
_OBJECTS: Final = r"""SELECT type, name, tbl_name, sql FROM main.sqlite_master
WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\' AND sql IS NOT NULL"""
_COLUMNS: Final = """SELECT m.name, x.name, x.type, x."notnull", x.dflt_value, x.hidden
FROM main.sqlite_master m, pragma_table_xinfo(m.name, 'main') x
WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL %' ORDER BY m.name, x.cid"""
_VIEW_COLUMNS: Final = "SELECT name FROM pragma_table_xinfo(?, 'main') ORDER BY cid"
_INDEX_TERMS: Final = """SELECT m.name, x.name, x.cid, x."desc", x.coll
FROM main.sqlite_master m, pragma_index_xinfo(m.name, 'main') x
WHERE m.type = 'index' AND m.sql IS NOT NULL AND x.key ORDER BY m.name, x.seqno"""

# What a module calls its tables, behind the virtual table's name: for SQLite before 3.37, which does not tell.
_SHADOWS: Final = {
    "fts3": ("content", "segdir", "segments", "docsize", "stat"),
    "fts4": ("content", "segdir", "segments", "docsize", "stat"),
    "fts5": ("data", "idx", "content", "docsize", "config"),
    "rtree": ("node", "rowid", "parent"),
    "rtree_i32": ("node", "rowid", "parent"),
    "geopoly": ("node", "rowid", "parent"),
}


_as_json: Final = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class _Object:
    """A row of the schema table."""

    type: str
    name: str
    table: str
    sql: str

    @property
    def is_virtual(self) -> bool:
        return self.type == "table" and self.sql[:15].upper() == "CREATE VIRTUAL "


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    type: str
    not_null: bool
    default: str | None  # none of a generated column, whose expression the pragma tells in the same place


@dataclass(frozen=True, slots=True)
class _IndexTerm:
    name: str | None
    column: int  # less than 0: none, but an expression
    descends: bool
    collation: str


@dataclass(slots=True)
class Answers:
    """What the database has answered."""

    settings: Mapping[str, int]
    objects: Sequence[_Object] = ()
    columns: Mapping[str, list[_Column]] = field(default_factory=dict)
    view_columns: Mapping[str, list[str] | str] = field(default_factory=dict)  # or why it cannot be read
    index_terms: Mapping[str, list[_IndexTerm]] = field(default_factory=dict)
    shadows: Collection[str] | None = None  # None: not told


NO_DATABASE: Final = Answers(dict.fromkeys(_SETTINGS, 0))


def read(connection: sqlite3.Connection, path: Path) -> Answers:
    """Ask for everything, in the transaction that is open. Does not write; raises what `trouble` makes of a failure."""
    objects = [_Object(*row) for row in ask(connection, path, _OBJECTS)]
    columns: dict[str, list[_Column]] = defaultdict(list)
    for table, name, kind, not_null, default, hidden in ask(connection, path, _COLUMNS):
        columns[table].append(_Column(name, kind, bool(not_null), None if hidden else default))
    terms: dict[str, list[_IndexTerm]] = defaultdict(list)
    for index, name, column, descends, collation in ask(connection, path, _INDEX_TERMS):
        terms[index].append(_IndexTerm(name, column, bool(descends), collation))
    views = {item.name: _view_columns(connection, path, item.name) for item in objects if item.type == "view"}
    shadows = None
    if any(item.is_virtual for item in objects) and (listed := ask(connection, path, "PRAGMA main.table_list")):
        shadows = {name for schema, name, kind, *_ in listed if schema == "main" and kind == "shadow"}
    settings = {name: ask(connection, path, f"PRAGMA main.{name}")[0][0] for name in _SETTINGS}
    return Answers(settings, objects, columns, views, terms, shadows)


def _view_columns(connection: sqlite3.Connection, path: Path, view: str) -> list[str] | str:
    """Return a view's columns, or what SQLite says of one that cannot be read any more."""
    try:
        return [name for (name,) in connection.execute(_VIEW_COLUMNS, (view,))]
    except sqlite3.Error as error:
        if code_of(error) != "SQLITE_ERROR":
            raise trouble(error, path) from None
        return str(error)


def catalog_of(answers: Answers, *, hidden: Collection[str]) -> Catalog:
    """Return what the answers say, without the tables of the hidden names and what belongs to those."""
    return _Assembly(answers, {folded(name) for name in hidden}).catalog()


class _Assembly:
    """Makes one catalog of what a database has answered."""

    def __init__(self, answers: Answers, hidden: Collection[str]) -> None:
        self._answers = answers
        self._hidden = frozenset(hidden) | self._shadows()
        self._tables: dict[str, TableText] = {}  # by their folded names, those that could be read
        self._relations = _names_of_relations(answers)
        self._catalog: dict[Item, str] = {}

    def _shadows(self) -> frozenset[str]:
        """Return the folded names of the tables in which virtual tables keep their content."""
        if self._answers.shadows is not None:
            return frozenset(map(folded, self._answers.shadows))
        found: set[str] = set()
        for item in self._answers.objects:
            if item.is_virtual:
                try:
                    suffixes = _SHADOWS.get(module_of(item.sql)[0], ())
                except Unreadable:
                    continue
                found.update(folded(f"{item.name}_{suffix}") for suffix in suffixes)
        return frozenset(found)

    def catalog(self) -> Catalog:
        self._put(Item("database settings", "main"), dict(self._answers.settings))
        shown = [
            item
            for item in self._answers.objects
            if folded(item.name) not in self._hidden and folded(item.table) not in self._hidden
        ]
        tables = [item for item in shown if item.type == "table" and not item.is_virtual]
        for item in tables:
            names = self._relations.get(folded(item.name), frozenset())
            try:
                self._tables[folded(item.name)] = read_table(item.sql, names)
            except Unreadable:
                continue
        for item in tables:
            self._table(item)
        for item in shown:
            if item.is_virtual:
                self._virtual_table(item)
            elif item.type == "view":
                self._view(item)
            elif item.type == "index":
                self._index(item)
            elif item.type == "trigger":
                self._trigger(item)
        return self._catalog

    def _put(self, item: Item, properties: Mapping[str, object]) -> None:
        told = {name: value for name, value in properties.items() if value is not None and value is not False}
        self._catalog[item] = _as_json(told)

    # ---- tables

    def _table(self, item: _Object) -> None:
        text = self._tables.get(folded(item.name))
        unread = None if text else item.sql
        text = text or TableText()
        self._put(
            Item("table", as_sql(item.name)),
            {"is without rowid": text.without_rowid, "is strict": text.strict, "definition": unread},
        )
        columns = self._answers.columns.get(item.name, [])
        self._column_order(item.name, [column.name for column in columns])
        names = self._relations.get(folded(item.name), frozenset())
        for column in columns:
            said = text.columns.get(folded(column.name))
            self._put(
                Item("column", as_sql(column.name), as_sql(item.name)),
                {
                    "type": _type(column.type, said) or None,
                    "not null": column.not_null,
                    "default": column.default and default_as_read(column.default, names),
                    "generated": said and said.generated,
                    "collation": said and (None if said.collation == "BINARY" else said.collation),
                    "is autoincrement": said and said.is_autoincrement,
                    "not null on conflict": said and said.null_conflict,
                },
            )
        self._constraints(item, text, columns)

    def _column_order(self, relation: str, columns: Sequence[str]) -> None:
        name = as_sql(relation)
        self._put(Item(COLUMN_ORDER, name, name), {"columns": [as_sql(column) for column in columns]})

    def _constraints(self, item: _Object, text: TableText, columns: Sequence[_Column]) -> None:
        definitions: dict[str, set[str]] = defaultdict(set)  # by the names: two may have the same
        properties: dict[str, dict[str, object]] = {}
        for constraint in text.constraints:
            definition = self._definition(constraint, text)
            name = definition if constraint.name is None else as_sql(constraint.name)
            definitions[name].add(definition)
            is_rowid = constraint.kind == "PRIMARY KEY" and _is_rowid(constraint, text, columns)
            properties[definition] = {"definition": definition, "is rowid": is_rowid}
        for name, same in definitions.items():
            for number, definition in enumerate(sorted(same), 1):
                told = name if number == 1 else f"{name} ({number})"
                self._put(Item(CONSTRAINT, told, as_sql(item.name)), properties[definition])

    def _definition(self, constraint: ConstraintText, text: TableText) -> str:
        if constraint.reference is not None:
            return self._reference(constraint.reference)
        if not constraint.terms:
            return f"{constraint.kind} {constraint.rest}"
        terms = []
        for name, collation, descends in constraint.terms:
            said = text.columns.get(name)
            collated = _collated(collation or (said.collation if said else "BINARY"), said.collation if said else None)
            terms.append(as_sql(name) + collated + (" DESC" if descends else ""))
        return f"{constraint.kind} ({', '.join(terms)}){constraint.rest}"

    def _reference(self, reference: Reference) -> str:
        """Return a foreign key, with the columns of the parent's primary key where it leaves those to SQLite."""
        parent = self._tables.get(reference.parent)
        to = reference.parent_columns
        if not to and parent is not None:
            keys = (key for key in parent.constraints if key.kind == "PRIMARY KEY")
            to = next((tuple(name for name, *_ in key.terms) for key in keys), ())
        columns = ", ".join(map(as_sql, reference.columns))
        at = f" ({', '.join(map(as_sql, to))})" if to else ""
        deferred = " DEFERRABLE INITIALLY DEFERRED" if reference.is_deferred else ""
        return f"FOREIGN KEY ({columns}) REFERENCES {as_sql(reference.parent)}{at}{reference.rules}{deferred}"

    # ---- the others

    def _virtual_table(self, item: _Object) -> None:
        try:
            module, arguments = module_of(item.sql)
            self._put(Item("virtual table", as_sql(item.name)), {"module": module, "arguments": arguments})
        except Unreadable:
            self._put(Item("virtual table", as_sql(item.name)), {"definition": item.sql})

    def _view(self, item: _Object) -> None:
        columns = self._answers.view_columns.get(item.name, [])
        try:
            words = view_query(item.sql)
            definition = rewritten(words, self._names_in(words, item.name))
        except Unreadable:
            definition = item.sql
        error = columns if isinstance(columns, str) else None
        self._put(Item("view", as_sql(item.name)), {"definition": definition, "error": error})
        if not isinstance(columns, str):
            called = [_called(column, item.sql) for column in columns]
            self._column_order(item.name, called)
            for column in called:
                self._put(Item("column", as_sql(column), as_sql(item.name)), {})

    def _index(self, item: _Object) -> None:
        text = self._tables.get(folded(item.table))
        names = self._relations.get(folded(item.table), frozenset()) | ROWID
        try:
            expressions, condition = index_terms(item.sql)
            terms = []
            for term, expression in zip(self._answers.index_terms.get(item.name, ()), expressions, strict=True):
                said = None if term.name is None or text is None else text.columns.get(folded(term.name))
                what = rewritten(expression, names) if term.name is None else as_sql(folded(term.name))
                collated = _collated(term.collation.upper(), said.collation if said else "BINARY")
                terms.append(what + collated + (" DESC" if term.descends else ""))
            unique = "UNIQUE " if item.sql[:14].upper() == "CREATE UNIQUE " else ""
            where = f" WHERE {rewritten(condition, names)}" if condition else ""
            definition = (
                f"CREATE {unique}INDEX {as_sql(folded(item.name))} ON {as_sql(folded(item.table))}"
                f" ({', '.join(terms)}){where}"
            )
        except (Unreadable, ValueError):
            definition = item.sql
        self._put(Item("index", as_sql(item.name), as_sql(item.table)), {"definition": definition})

    def _trigger(self, item: _Object) -> None:
        try:
            words = trigger_words(item.sql)
            definition = rewritten(words, self._names_in(words, item.table))
        except Unreadable:
            definition = item.sql
        self._put(Item("trigger", as_sql(item.name), as_sql(item.table)), {"definition": definition})

    def _names_in(self, words: Sequence[Word], relation: str) -> set[str]:
        """Return the folded names that a double-quoted word of a query can be.

        Those of the relations it names, with their columns, and what it calls something itself.
        """
        names = {word.name for word in words if word.form in (Form.BARE, Form.QUOTED)}
        names |= {word.name for before, word in pairwise(words) if before.says("as")}
        for name in {*(word.name for word in words), folded(relation)}:
            names |= self._relations.get(name, frozenset())
        return names | ROWID


def _names_of_relations(answers: Answers) -> dict[str, frozenset[str]]:
    """Return the folded names of every table and view with its columns, by its own."""
    found = {table: [column.name for column in columns] for table, columns in answers.columns.items()}
    found |= {view: [] if isinstance(columns, str) else columns for view, columns in answers.view_columns.items()}
    return {folded(name): frozenset(map(folded, (name, *columns))) for name, columns in found.items()}


def _type(declared: str, said: ColumnText | None) -> str:
    """Return a column's type; SQLite before 3.37 takes two words of what follows for a part of it."""
    kind = type_as_read(declared)
    return kind.removesuffix("GENERATED ALWAYS").rstrip() if said and said.generated else kind


def _called(column: str, sql: str) -> str:
    """Return the name of a view's column; one that has none is called as the text of its expression, in the one way."""
    try:
        words = words_of(column)
        is_expression = len(words) > 1 and column in sql and all(word.value != column for word in words_of(sql))
        return rewritten(words, {word.name for word in words}) if is_expression else column
    except SqlTextError:
        return column


def _collated(collation: str, usual: str | None) -> str:
    return "" if collation == (usual or "BINARY") else f" COLLATE {as_sql(folded(collation)).upper()}"


def _is_rowid(constraint: ConstraintText, text: TableText, columns: Sequence[_Column]) -> bool:
    """Whether the primary key is another name of the rowid.

    One that descends at its column never is: a bug that SQLite keeps (https://www.sqlite.org/lang_createtable.html#rowid).
    """
    if text.without_rowid or len(constraint.terms) != 1:
        return False
    ((name, _, descends),) = constraint.terms
    types = {folded(column.name): folded(column.type) for column in columns}
    return types.get(name) == "integer" and not (descends and constraint.of_column)
