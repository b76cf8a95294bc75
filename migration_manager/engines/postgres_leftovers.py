"""What statements that did not come to their end leave behind, and whose it is (RELIABILITY B7)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final, NamedTuple

from migration_manager.engines import postgres_sql as queries
from migration_manager.engines.postgres_session import Session
from migration_manager.messages import Message, statements_of
from migration_manager.model import Applied, Attempt, Dialect, Left, Leftover, Progress, State
from migration_manager.sqltext import Kind, statement_tokens

Row = tuple[str | None, ...]

_MOST_NAMES: Final = 100  # of a statement that are remembered
_OF_REINDEX: Final = re.compile(r"_cc(?:new|old)\d*$")  # what REINDEX CONCURRENTLY appends to an index's name


class Found(NamedTuple):
    """A leftover as the catalog has it: what it is called there, and its table."""

    oid: int
    name: str
    table: str
    leftover: Leftover

    def is_named_by(self, names: frozenset[str]) -> bool:
        """Return whether a statement that has these names in it can have left this."""
        if self.leftover.kind is Left.PENDING_DETACH:  # its table may have had another one
            return self.name in names
        return not names.isdisjoint({self.name, self.table, _OF_REINDEX.sub("", self.name)})


def found_in(rows: Sequence[Row]) -> list[Found]:
    """Return what the answer to `postgres_sql.LEFTOVERS` means."""
    return [
        Found(int(oid or 0), name or "", table or "", Leftover(Left(kind), shown or "", of or "", remedy or ""))
        for kind, oid, name, table, shown, of, remedy in rows
    ]


def names_in(message: Message) -> frozenset[str]:
    """Return the names in a statement, as the catalog has them; what is no name does no harm.

    Of an index that is made under a name, only that: another one of its table's is somebody else's.
    """
    found: list[str] = []
    for statement in statements_of(message, Dialect.POSTGRESQL)[:1]:
        for token in islice(statement_tokens(message.text, statement, Dialect.POSTGRESQL), 10 * _MOST_NAMES):
            text = message.text[token.start : token.end]
            if token.kind in (Kind.WORD, Kind.IDENTIFIER):
                found.append(_in_catalog(text, token.kind))
            if len(found) >= _MOST_NAMES:
                break
    made = found[found.index("index") + 1 :] if found[:1] == ["create"] and "index" in found[:3] else []
    while made[:1] in (["concurrently"], ["if"], ["not"], ["exists"]):
        del made[0]
    return frozenset(found if made[:1] in ([], ["on"]) else made[:1])


def index_if_missing(message: Message) -> tuple[str, str] | None:
    """Return the name of an index that a statement makes IF NOT EXISTS, and its table as SQL; None for another one."""
    for statement in statements_of(message, Dialect.POSTGRESQL)[:1]:
        if statement.words[:1] != ("CREATE",) or "INDEX" not in statement.words[:3]:
            return None
        found = [
            (message.text[token.start : token.end], token.kind)
            for token in islice(statement_tokens(message.text, statement, Dialect.POSTGRESQL), _MOST_NAMES)
        ]
        words = [text.upper() if kind is Kind.WORD else "" for text, kind in found]
        if "EXISTS" not in words[:7] or "ON" not in words:
            return None
        at = words.index("ON")
        table = at + 2 if words[at + 1 : at + 2] == ["ONLY"] else at + 1
        end = table + 3 if [text for text, _kind in found[table + 1 : table + 2]] == ["."] else table + 1
        name, kind = found[at - 1]
        return _in_catalog(name, kind), "".join(text for text, _kind in found[table:end])
    return None


def _in_catalog(name: str, kind: Kind) -> str:
    return name[1:-1].replace('""', '"') if kind is Kind.IDENTIFIER else name.lower()


def whole_noted(total: int, before: Iterable[Found]) -> str:
    """Return what is noted of a whole script before it begins: how many statements it has, and what was there."""
    return json.dumps({"total": total, "before": sorted(found.oid for found in before)})


class Whole(NamedTuple):
    """What was noted of a whole script before it began."""

    total: int | None
    before: frozenset[int]


def whole_of(note: str | None) -> Whole:
    """Return what `whole_noted` wrote; nothing is known where there is no note."""
    if note is None:
        return Whole(None, frozenset())
    found = json.loads(note)
    return Whole(found["total"], frozenset(found["before"]))


class Noted(NamedTuple):
    """What was noted of a statement: the names in it, and whether something was called so before it began."""

    names: frozenset[str]
    was_taken: bool


def noted_in(note: str | None) -> Noted:
    """Return what `Tables.note_statement` wrote; no names for the note of a whole script, or none."""
    found = {} if note is None else json.loads(note)
    return Noted(frozenset(found.get("names", ())), bool(found.get("taken")))


def leftovers_of(session: Session, name: str) -> list[Found]:
    """Return what the unfinished script of this name has left behind. Raises as `Session.ask` does."""
    # Looked up twice: an index whose building comes to its end after it was seen to be invalid, and before it was asked
    # who is building, is a leftover to one look only.
    rows, leftovers, again = session.ask(session.tables.read_notes(name), queries.LEFTOVERS, queries.LEFTOVERS)
    notes = {int(number or 0): note for number, note in rows}
    still = found_in(again)
    found = [each for each in found_in(leftovers) if each in still]
    return left_by(found, notes.get(0), notes[max(notes)] if notes else None)


def left_by(found: Sequence[Found], whole: str | None, newest: str | None) -> list[Found]:
    """Return those leftovers that an unfinished script has made, by its notes of the whole and of its newest one."""
    before, names = whole_of(whole).before, noted_in(newest).names
    return [each for each in found if each.oid not in before and each.is_named_by(names)]


def with_progress(rows: Sequence[Applied], progress: Sequence[Row], found: Sequence[Found]) -> tuple[Applied, ...]:
    """Return the rows of the history, the unfinished ones with how far their scripts came."""
    known = {name: _progress(row, found) for name, *row in progress}
    return tuple(replace(row, progress=known.get(row.name)) if row.state is State.UNFINISHED else row for row in rows)


def _progress(row: Sequence[str | None], found: Sequence[Found]) -> Progress:
    done, state, whole, newest, checksum = row
    kept, attempt = int(done or 0), Attempt(state)
    if newest == whole:  # nothing but the note of the whole is there
        attempt = Attempt.DONE
    left = tuple(each.leftover for each in left_by(found, whole, newest))
    was_taken = noted_in(newest).was_taken
    return Progress(kept, whole_of(whole).total, kept + 1, attempt, left, checksum, was_taken)
