"""What a database's schema consists of, as a value that can be compared; and the comparison, in words. Pure.

A catalog is a flat mapping: each object under its kind and name, with its properties as one JSON text, so that two
catalogs of ten thousand objects are compared in milliseconds and only what differs is taken apart.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from enum import Enum
from typing import Final, NamedTuple


class Item(NamedTuple):
    """What an object is called: its kind in words, its name as SQL, and the object that it belongs to.

    `of` is None for what stands by itself. It is the name of a relation, a type or a schema; what belongs to something
    that is not there is not there either, and is not told apart.
    """

    kind: str
    name: str
    of: str | None = None

    @property
    def in_words(self) -> str:
        """Such as "index public.users_email" or "column email of public.users"."""
        if self.kind == COLUMN_ORDER:
            return f"{COLUMN_ORDER} of {self.name}"
        inside = self.of is not None and self.kind in _INSIDE
        return f"{self.kind} {self.name} of {self.of}" if inside else f"{self.kind} {self.name}"


# Kinds whose names are unique only in what they belong to.
_INSIDE: Final = frozenset({"column", "constraint", "domain constraint", "trigger", "rule", "policy"})
COLUMN_ORDER: Final = "column order"  # the kind of the item that says in which order a relation's columns stand
CONSTRAINT: Final = "constraint"
_CONSTRAINTS: Final = frozenset({CONSTRAINT, "domain constraint"})
# Kinds that others belong to. An extension or a publication may be called as a schema is, and holds nothing.
_HOLDERS: Final = frozenset(
    {"schema", "table", "view", "materialized view", "foreign table", "virtual table", "type", "domain"}
)
# The one kind that belongs to a server, which holds nothing else.
_SERVER: Final = "foreign server"
_OF_SERVER: Final = "user mapping"
_HIDDEN: Final = "(not shown)"

_NO_STRUCTURE: Final = frozenset({"owner", "privileges"})
# Who may log in elsewhere, and with which password, is no structure, and kept from most logins.
_NO_STRUCTURES: Final = frozenset({
    "privileges", "default privileges", "database settings", "subscription", _OF_SERVER,
})  # fmt: skip
_SHORT_LIST: Final = 5  # entries that are told in full

Catalog = Mapping[Item, str]  # the properties of each object, as the text of a JSON object with sorted keys


class How(Enum):
    """How an object of one catalog stands in another."""

    MISSING = "missing"
    EXTRA = "extra"
    CHANGED = "changed"
    ORDER = "column order"
    RENAMED = "constraint names"


@dataclass(frozen=True, slots=True)
class Difference:
    """One object that is not in the second catalog as it is in the first.

    `changes` are the properties that differ, with the value in the first and in the second, None where it has none.
    Those of a RENAMED constraint hold its other name only.
    """

    item: Item
    how: How
    changes: tuple[tuple[str, object, object], ...] = ()

    @property
    def is_cosmetic(self) -> bool:
        """Whether a query that names its columns cannot tell."""
        return self.how in (How.ORDER, How.RENAMED)

    @property
    def subject(self) -> str:
        """What it is about, as a header names it."""
        return self.item.in_words

    def in_words(self, *, missing: str = "is missing", extra: str = "was not there before") -> str:
        """Return it for people, on one line for each property; lines after the first are indented."""
        if self.how is How.MISSING:
            return f"{self.item.in_words} {missing}"
        if self.how is How.EXTRA:
            return f"{self.item.in_words} {extra}"
        _, before, after = self.changes[0]
        if self.how is How.ORDER:
            return f"{self.item.in_words}: {_listed(before)}  →  {_listed(after)}"
        if self.how is How.RENAMED:
            return f"{self.item.in_words} is called {after}"
        told = [_told(*change) for change in self.changes]
        return f"{self.item.in_words}: {told[0]}" if len(told) == 1 else "\n  ".join([f"{self.item.in_words}:", *told])


def differences(first: Catalog, second: Catalog) -> tuple[Difference, ...]:
    """Return how the second catalog is not the first, by kind and name; empty when they agree."""
    if first == second:
        return ()
    missing = first.keys() - second.keys()
    extra = second.keys() - first.keys()
    moved = _moved(missing, extra)
    missing, extra = missing - moved.keys(), extra - set(moved.values())
    renamed = _renamed(first, missing, second, extra)
    gone = {difference.item for difference in renamed}
    came = {_called(difference.item, difference.changes[0][2]) for difference in renamed}
    found = [
        *renamed,
        *(Difference(item, How.MISSING) for item in _roots(missing - gone)),
        *(Difference(item, How.EXTRA) for item in _roots(extra - came)),
    ]
    for item, there in (*((item, item) for item in first.keys() & second.keys()), *moved.items()):
        if first[item] != second[there]:
            found += _compared(item, json.loads(first[item]), json.loads(second[there]))
    return tuple(sorted(found, key=lambda one: (one.item.kind, one.item.of or "", one.item.name)))


def structure(catalog: Catalog) -> Catalog:
    """Return a catalog without who owns what and may do what, and without what a server is set to rather than made."""
    return {
        item: json.dumps({name: value for name, value in json.loads(text).items() if name not in _NO_STRUCTURE})
        for item, text in catalog.items()
        if item.kind not in _NO_STRUCTURES
    }


def _moved(missing: Iterable[Item], extra: Iterable[Item]) -> dict[Item, Item]:
    """Return what is there still and belongs to something else now, as a sequence may."""
    there = {(item.kind, item.name): item for item in extra if item.kind not in _INSIDE}
    return {item: there[item.kind, item.name] for item in missing if (item.kind, item.name) in there}


def _roots(items: Iterable[Item]) -> list[Item]:
    """Leave out what belongs to something that is among them as well, and the order of columns, which says no more."""
    names = {item.name for item in items if item.kind in _HOLDERS}
    servers = {item.name for item in items if item.kind == _SERVER}
    return [
        item
        for item in items
        if item.kind != COLUMN_ORDER and item.of not in (servers if item.kind == _OF_SERVER else names)
    ]


def _compared(item: Item, before: Mapping[str, object], after: Mapping[str, object]) -> list[Difference]:
    if item.kind == COLUMN_ORDER:
        return _order(item, _names(before), _names(after))
    changes = tuple(
        (key, before.get(key), after.get(key))
        for key in sorted(before.keys() | after.keys())
        if json.dumps(before.get(key)) != json.dumps(after.get(key))  # true is no 1
    )
    if item.kind == _OF_SERVER:  # they are fingerprints of what may be a password, which can be guessed from them
        changes = tuple((key, one and _HIDDEN, other and _HIDDEN) for key, one, other in changes)
    return [Difference(item, How.CHANGED, changes)] if changes else []


def _order(item: Item, before: Sequence[str], after: Sequence[str]) -> list[Difference]:
    """Compare the order of the columns that are in both; those that are not are told for themselves."""
    both = set(before) & set(after)
    one, other = ([name for name in names if name in both] for names in (before, after))
    return [Difference(item, How.ORDER, (("columns", one, other),))] if one != other else []


def _names(properties: Mapping[str, object]) -> list[str]:
    columns = properties.get("columns")
    return [str(name) for name in columns] if isinstance(columns, list) else []


def _renamed(first: Catalog, missing: set[Item], second: Catalog, extra: set[Item]) -> list[Difference]:
    """Find the constraints that are there under another name, on the same table and otherwise equal."""
    candidates: dict[tuple[str, str | None, str], list[Item]] = {}
    for item in sorted(extra):
        if item.kind in _CONSTRAINTS:
            candidates.setdefault((item.kind, item.of, second[item]), []).append(item)
    found = []
    for item in sorted(missing):
        same = candidates.get((item.kind, item.of, first[item]))
        if same:
            found.append(Difference(item, How.RENAMED, (("name", item.name, same.pop(0).name),)))
    return found


def _called(item: Item, name: object) -> Item:
    return item._replace(name=str(name))


def _listed(names: object) -> str:
    return ", ".join(map(str, names)) if isinstance(names, list) else str(names)


def _told(name: str, before: object, after: object) -> str:
    """Return how a property differs: of a long list the entries, of a text of many lines the lines that do."""
    if isinstance(before, str) and isinstance(after, str) and "\n" in f"{before}{after}":
        lines = unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
        return "\n    ".join([f"{name}:", *(line for line in lines if not line.startswith(("---", "+++", "@@")))])
    if isinstance(before, list) and isinstance(after, list) and max(len(before), len(after)) > _SHORT_LIST:
        gone, came = ([one for one in these if one not in those] for these, those in ((before, after), (after, before)))
        if gone or came:
            words = [f"without {_listed(gone)}"] if gone else []
            return f"{name} {', '.join(words + ([f'with {_listed(came)}'] if came else []))}"
    return f"{name} {_shown(before, name)}  →  {_shown(after, name)}"


def _shown(value: object, name: str) -> str:
    if value is None:
        return "as built in" if name == "privileges" else "none"
    if value is True:
        return "yes"
    if value is False:
        return "no"
    if isinstance(value, list):
        return f"({_listed(value)})"
    return str(value)
