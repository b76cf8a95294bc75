"""Whose table it is that has our history's name and other columns. Pure."""

from __future__ import annotations

from collections.abc import Mapping


def whose_table(columns: Mapping[str, str], *, beside_rails: bool = False) -> str:
    """Say which tool makes a history table of these columns and types.

    `beside_rails` says that Rails' own metadata table is there too.
    """
    found = columns.keys()
    if found == {"version", "dirty"}:
        return "golang-migrate"
    if found == {"version"}:
        # Both keep one text column; Rails gives it no length.
        if "(" in columns["version"] and not beside_rails:
            return "dbmate"
        return "Rails" if beside_rails else "Rails, or an old dbmate"
    if found == {"version", "inserted_at"}:
        return "Ecto"
    return "another tool (its columns are " + ", ".join(columns) + ")"
