"""What became of the rows that were there before: compared by number and by what each column holds. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class TableRows(NamedTuple):
    """The rows of one table: how many, and for each column how many values it has and a fingerprint of them."""

    count: int
    columns: Mapping[str, tuple[int, str]]


Rows = Mapping[str, TableRows]  # by the table's name as SQL


class RowsLost(NamedTuple):
    """What is not as it was in a table that is there still, told as a sentence."""

    table: str
    what: str


def lost(before: Rows, after: Rows) -> tuple[RowsLost, ...]:
    """Return what is not as it was, in the tables and columns that are in both, by table and column."""
    found = []
    for table in sorted(before.keys() & after.keys()):
        then, now = before[table], after[table]
        if then.count != now.count:
            gone = then.count - now.count
            said = f"{gone} of {then.count} rows of {table} are gone" if gone > 0 else f"{-gone} more rows in {table}"
            found.append(
                RowsLost(table, said.replace("1 of 1 rows of", "the row of").replace(" are", " is", gone == 1))
            )
            continue
        for column in then.columns.keys() & now.columns.keys():
            (filled, one), (still, other) = then.columns[column], now.columns[column]
            if one != other:
                what = "is gone" if still < filled else "is not what it was"
                found.append(RowsLost(table, f"what {table} held in {column} {what}"))
    return tuple(sorted(found))
