"""Where the history is, or would be made: understood from what the catalog answers; no connection here."""

from __future__ import annotations

from dataclasses import dataclass

from migration_manager.engines import postgres_sql as queries
from migration_manager.engines.base import FORMAT
from migration_manager.engines.foreign import whose_table
from migration_manager.errors import ForeignHistory, HistoryError

Row = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the history is, or would be made.

    `is_older` tells that its tables lack what was added to them since, `shows_progress` that how far scripts came is
    there and may be read: a role that was given the older tables to read was not given that one.
    """

    schema: str | None
    exists: bool
    schema_exists: bool
    is_older: bool = False
    shows_progress: bool = False


def understood(row: Row, table: str) -> Place:
    """Return what an answer to `where_is_history` means.

    Raises `ForeignHistory` when the table has another tool's columns, `HistoryError` when it is not in the schema where
    tables would be made, was written by a newer version of this tool, or is watched by somebody else's rules.
    """
    schema, schema_exists, found_in, kind, columns, comment, beside_rails, watched, is_older, shows_progress = row
    if columns is None:
        return Place(schema, exists=False, schema_exists=schema_exists == "t")
    shown = f"{found_in}.{table}"
    found = dict(column.split("\t") for column in columns.split("\n"))
    if not found.keys() >= queries.HISTORY_COLUMNS or kind not in ("r", "p"):
        raise ForeignHistory(
            f"{shown} belongs to {whose_table(found, beside_rails=beside_rails == 't')}; nothing was written",
            hint="set another `history_table` (or `history_schema`) for this environment",
        )
    if found_in != schema:
        raise HistoryError(
            f"there is a history in {shown}, and tables are made in the schema {schema}: which is meant?",
            hint=f'say it in the configuration: history_schema = "{found_in}" (or "{schema}" for one of its own)',
        )
    if watched is not None:
        where, what = watched.split("\t", 1)
        raise HistoryError(
            f"{found_in}.{where} has {what}: what is read and written there may not be what it seems",
            hint=f"take {what} off the table; nothing but this tool should have a say in its history",
        )
    made_by = queries.format_of(comment)
    if made_by is not None and made_by > FORMAT:
        raise HistoryError(
            f"the history has format {made_by}, written by a newer version of this tool; this one knows {FORMAT}",
            hint="use the newer version",
        )
    return Place(
        schema, exists=True, schema_exists=True, is_older=is_older == "t", shows_progress=shows_progress == "t"
    )
