"""What a CREATE TABLE says that no pragma tells: constraints and their names, CHECKs, collations, ON CONFLICT. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from migration_manager.engines.sqlite_words import (
    Form,
    Word,
    in_parentheses,
    parts_of,
    rewritten,
    words_of,
    written_as_name,
)
from migration_manager.sqltext import SqlTextError


class Unreadable(ValueError):
    """The text is no CREATE TABLE as SQLite writes it: somebody has edited the schema by hand."""


@dataclass(slots=True)
class ColumnText:
    """What the text says of one column."""

    collation: str = "BINARY"
    is_autoincrement: bool = False
    generated: str | None = None
    null_conflict: str | None = None  # what ON CONFLICT of NOT NULL says, where it is not the usual ABORT


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key; names are folded. No columns of the parent are those of its primary key."""

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    rules: str
    is_deferred: bool


@dataclass(frozen=True, slots=True)
class ConstraintText:
    """A constraint of a table, wherever it stands; `name` is None where it has none.

    `terms` are the columns of a primary key or UNIQUE, folded, with the collation that is asked for and whether they
    descend. `rest` is what else it says.
    """

    kind: str
    name: str | None
    terms: tuple[tuple[str, str | None, bool], ...] = ()
    rest: str = ""
    reference: Reference | None = None
    of_column: bool = False


@dataclass(slots=True)
class TableText:
    """What the text of a table says."""

    columns: dict[str, ColumnText] = field(default_factory=dict)  # by their folded names
    constraints: list[ConstraintText] = field(default_factory=list)
    without_rowid: bool = False
    strict: bool = False


# What a table's own expressions may name besides its columns.
ROWID: Final = frozenset({"rowid", "oid", "_rowid_"})


@lru_cache(maxsize=8192)
def read_table(sql: str, names: frozenset[str]) -> TableText:
    """Return what a CREATE TABLE says; `names` are the folded names of the table and of its columns.

    What is returned is shared, and not to be changed. Raises `Unreadable`.
    """
    try:
        words = words_of(sql)
        position = 3 if not words[3].says(".") else 5  # CREATE TABLE name
        body, position = in_parentheses(words, position)
        table = TableText()
        reading = _Reading(table, names | ROWID)
        for part in parts_of(body):
            reading.part(part)
        for option in parts_of(words[position:]):
            option_text = [word.name for word in option]
            if not option_text:  # a comma too many, which SQLite takes
                continue
            if option_text == ["without", "rowid"]:
                table.without_rowid = True
            elif option_text == ["strict"]:
                table.strict = True
            else:
                raise Unreadable(sql)
    except (IndexError, SqlTextError) as error:
        raise Unreadable(sql) from error
    return table


_OF_TABLE: Final = ("constraint", "primary", "unique", "check", "foreign")
_OF_COLUMN: Final = (
    "constraint", "primary", "not", "null", "unique", "check", "default", "collate", "references", "deferrable", "as",
)  # fmt: skip


class _Reading:
    """Reads the parts of one table, with a position in the part that is read."""

    def __init__(self, table: TableText, names: frozenset[str]) -> None:
        self._table = table
        self._names = names
        self._words: Sequence[Word] = ()
        self._at = 0
        self._name: str | None = None  # that a CONSTRAINT has given to what follows

    # ---- words

    def _next(self) -> Word:
        word = self._words[self._at]
        self._at += 1
        return word

    def _sees(self, *keywords: str) -> bool:
        """Whether these words follow, one after another."""
        at, words = self._at, self._words
        return at + len(keywords) <= len(words) and all(
            words[at + number].key == keyword for number, keyword in enumerate(keywords)
        )

    def _takes(self, *keywords: str) -> bool:
        found = self._sees(*keywords)
        self._at += len(keywords) if found else 0
        return found

    def _one_of(self, *keywords: str) -> str | None:
        return next((keyword for keyword in keywords if self._takes(keyword)), None)

    def _parenthesised(self) -> Sequence[Word]:
        inside, self._at = in_parentheses(self._words, self._at)
        return inside

    def _expression(self) -> str:
        return rewritten(self._parenthesised(), self._names)

    def _conflict(self) -> str | None:
        if not self._takes("on", "conflict"):
            return None
        how = self._next().name.upper()
        return None if how == "ABORT" else how

    def _conflict_clause(self) -> str:
        how = self._conflict()
        return f" ON CONFLICT {how}" if how else ""

    # ---- parts

    def part(self, words: Sequence[Word]) -> None:
        """Read what stands between two commas: a column with its constraints, or constraints of the table."""
        self._words, self._at, self._name = words, 0, None
        if words[0].says(*_OF_TABLE):
            while self._at < len(words):
                self._table_constraint()
            return
        name = self._next().name
        self._skip_type()
        column = self._table.columns[name] = ColumnText()
        while self._at < len(words):
            self._column_constraint(name, column)

    def _skip_type(self) -> None:
        while self._at < len(self._words) and not (
            self._words[self._at].says(*_OF_COLUMN) or self._sees("generated", "always")
        ):
            if self._words[self._at].says("("):
                self._parenthesised()
            else:
                self._at += 1

    def _add(
        self,
        kind: str,
        *,
        terms: tuple[tuple[str, str | None, bool], ...] = (),
        rest: str = "",
        reference: Reference | None = None,
        of_column: bool = False,
    ) -> None:
        constraint = ConstraintText(kind, self._name, terms, rest, reference, of_column)
        self._table.constraints.append(constraint)
        self._name = None

    def _table_constraint(self) -> None:
        if self._takes("constraint"):
            self._name = self._next().value
        elif self._takes("primary", "key"):
            self._add("PRIMARY KEY", terms=self._terms(), rest=self._conflict_clause())
        elif self._takes("unique"):
            self._add("UNIQUE", terms=self._terms(), rest=self._conflict_clause())
        elif self._takes("check"):
            self._check()
        elif self._takes("foreign", "key"):
            columns = tuple(part[0].name for part in parts_of(self._parenthesised()))
            if not self._takes("references"):
                raise Unreadable(self._words)
            self._references(columns)
        else:
            raise Unreadable(self._words)

    def _column_constraint(self, name: str, column: ColumnText) -> None:
        if self._takes("constraint"):
            self._name = self._next().value
        elif self._takes("primary", "key"):
            descends = self._one_of("asc", "desc") == "desc"
            rest = self._conflict_clause()
            column.is_autoincrement = self._takes("autoincrement") or column.is_autoincrement
            self._add("PRIMARY KEY", terms=((name, None, descends),), rest=rest, of_column=True)
        elif self._takes("not", "null"):
            column.null_conflict = self._conflict()
            self._name = None
        elif self._takes("null"):
            self._conflict()
            self._name = None
        elif self._takes("unique"):
            self._add("UNIQUE", terms=((name, None, False),), rest=self._conflict_clause(), of_column=True)
        elif self._takes("check"):
            self._check()
        elif self._takes("default"):
            self._skip_default()
        elif self._takes("collate"):
            column.collation = self._next().name.upper()
            self._name = None
        elif self._takes("references"):
            self._references((name,))
        elif self._sees("deferrable") or self._sees("not", "deferrable"):
            self._defer_the_last()
        elif self._takes("generated", "always") or self._sees("as"):
            self._generated(column)
        else:
            raise Unreadable(self._words)

    def _check(self) -> None:
        expression = self._expression()
        self._conflict()  # which is read, and means nothing
        self._add("CHECK", rest=f"({expression})")

    def _skip_default(self) -> None:
        """Pass over a default, which the pragma tells."""
        if self._sees("("):
            self._parenthesised()
        else:
            if self._words[self._at].says("+", "-"):
                self._at += 1
            self._next()
        self._name = None

    def _generated(self, column: ColumnText) -> None:
        if not self._takes("as"):
            raise Unreadable(self._words)
        expression = self._expression()
        how = "stored" if self._one_of("stored", "virtual") == "stored" else "virtual"
        column.generated = f"{how}: {expression}"
        self._name = None

    def _terms(self) -> tuple[tuple[str, str | None, bool], ...]:
        terms = []
        for part in parts_of(self._parenthesised()):
            words = list(part)
            if words[-1].says("autoincrement"):
                words.pop()
                self._table.columns.setdefault(words[0].name, ColumnText()).is_autoincrement = True
            descends = len(words) > 1 and words[-1].says("desc")
            if descends or (len(words) > 1 and words[-1].says("asc")):  # alone, it is a column's name
                words.pop()
            collation = None
            if len(words) > 2 and words[-2].says("collate"):
                collation = words[-1].name.upper()
                words = words[:-2]
            name = words[0].name if len(words) == 1 else rewritten(words, self._names)
            terms.append((name, collation, descends))
        return tuple(terms)

    def _references(self, columns: tuple[str, ...]) -> None:
        parent = self._next().name
        parent_columns: tuple[str, ...] = ()
        if self._sees("("):
            parent_columns = tuple(part[0].name for part in parts_of(self._parenthesised()))
        actions = {"delete": "", "update": ""}
        while True:
            if self._takes("match"):
                self._next()  # read, and not heeded
            elif self._takes("on"):
                event = self._next().name
                actions[event] = self._action()
            else:
                break
        rules = "".join(f" ON {event.upper()} {actions[event]}" for event in ("delete", "update") if actions[event])
        is_deferred = self._deferral() or False
        self._add("FOREIGN KEY", reference=Reference(columns, parent, parent_columns, rules, is_deferred))

    def _deferral(self) -> bool | None:
        """Return whether a clause says that a foreign key waits for the end of the transaction; None without one."""
        if self._takes("not", "deferrable"):
            self._timing()
            return False
        return self._timing() == "deferred" if self._takes("deferrable") else None

    def _defer_the_last(self) -> None:
        """Read such a clause that stands by itself: it is for the last foreign key, whichever column has that."""
        is_deferred = self._deferral() or False
        self._name = None
        for number, constraint in reversed(list(enumerate(self._table.constraints))):
            if constraint.reference is not None:
                reference = replace(constraint.reference, is_deferred=is_deferred)
                self._table.constraints[number] = replace(constraint, reference=reference)
                return

    def _action(self) -> str:
        if self._takes("no", "action"):
            return ""
        first = self._next().name.upper()
        return f"{first} {self._next().name.upper()}" if first == "SET" else first

    def _timing(self) -> str | None:
        return self._one_of("deferred", "immediate") if self._takes("initially") else None


# ------------------------------------------------------------------------------------ other statements


def default_as_read(default: str, names: Collection[str]) -> str | None:
    """Return a default as the pragma tells it, in the one way; None for NULL, which is none."""
    try:
        words = words_of(default)
    except SqlTextError:
        return default
    if len(words) == 1:
        word = words[0]
        if word.says("null"):
            return None
        is_name = word.form is Form.BARE and not word.says(
            "true", "false", "current_date", "current_time", "current_timestamp"
        )
        if is_name or word.form in (Form.DOUBLE, Form.QUOTED):  # a string, says the grammar
            return "'" + word.value.replace("'", "''") + "'"
    return rewritten(words, names)


def type_as_read(declared: str) -> str:
    """Return a column's type as the pragma tells it, in capitals and without blanks that mean nothing."""
    try:
        return rewritten(words_of(declared), ()).strip("'").upper()
    except SqlTextError:
        return declared


def view_query(sql: str) -> Sequence[Word]:
    """Return the words of a view's query. Raises `Unreadable`."""
    try:
        words = words_of(sql)
        for number, word in enumerate(words):
            if word.says("as"):
                return words[number + 1 :]
    except SqlTextError as error:
        raise Unreadable(sql) from error
    raise Unreadable(sql)


def trigger_words(sql: str) -> Sequence[Word]:
    """Return the words of a trigger after its name, with BEFORE and without FOR EACH ROW, which both go without saying.

    Raises `Unreadable`.
    """
    try:
        words = words_of(sql)
        rest = list(words[3 if not words[3].says(".") else 5 :])  # CREATE TRIGGER name
        for number in range(len(rest) - 2):
            if rest[number].says("begin", "when"):
                break
            if [word.name for word in rest[number : number + 3]] == ["for", "each", "row"]:
                del rest[number : number + 3]
                break
        return rest if rest[0].says("before", "after", "instead") else [*words_of("BEFORE"), *rest]
    except (IndexError, SqlTextError) as error:
        raise Unreadable(sql) from error


def index_terms(sql: str) -> tuple[list[Sequence[Word]], Sequence[Word]]:
    """Return the terms of an index, without their order and collation, and its condition. Raises `Unreadable`."""
    try:
        words = words_of(sql)
        opening = next(number for number, word in enumerate(words) if word.says("("))
        inside, position = in_parentheses(words, opening)
        terms = []
        for part in parts_of(inside):
            term = part[:-1] if len(part) > 1 and part[-1].says("asc", "desc") else part
            terms.append(term[:-2] if len(term) > 2 and term[-2].says("collate") else term)
        condition = words[position:]
        if condition and not condition[0].says("where"):
            raise Unreadable(sql)
        return terms, condition[1:]
    except (IndexError, StopIteration, SqlTextError) as error:
        raise Unreadable(sql) from error


def module_of(sql: str) -> tuple[str, list[str]]:
    """Return a virtual table's module and arguments, which only that understands. Raises `Unreadable`."""
    try:
        words = words_of(sql)
        at = next(number for number, word in enumerate(words) if word.says("using"))
        module = written_as_name(words[at + 1])
        arguments = parts_of(in_parentheses(words, at + 2)[0]) if len(words) > at + 2 else []
    except (IndexError, StopIteration, SqlTextError) as error:
        raise Unreadable(sql) from error
    return module, [" ".join(word.written for word in argument) for argument in arguments]
