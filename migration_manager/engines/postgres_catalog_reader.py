"""Reading the catalog of one database: once through the session itself, often over a connection of its own."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from migration_manager.catalog import Catalog
from migration_manager.engines.postgres_catalog import SETTINGS, books, objects_in, queries
from migration_manager.engines.postgres_connect import connect
from migration_manager.engines.postgres_failures import as_error
from migration_manager.engines.postgres_pooler import Pooling
from migration_manager.engines.postgres_session import Session
from migration_manager.engines.postgres_wire import Refused, Row, Wire
from migration_manager.errors import DatabaseUnreachable

# Objects that went between two of the queries: the server looks them up by number, and somebody else dropped them.
_GONE: Final = frozenset({"XX000", "42P01", "42704", "42883"})


class CatalogReader:
    """Reads what a database's schema consists of. Does not write.

    The queries are large, and planning them takes five times what they take in a small database. From the second time
    on they are read over a second connection, where they stay prepared: the session forgets what was prepared on it
    before each script.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._times = 0
        self._own: Wire | None = None
        self._parts: dict[str | None, Catalog] = {}

    def read(self) -> Catalog:
        """Return the catalog, read once more where it was changed meanwhile. Raises as `Session.ask` does."""
        self._times += 1
        try:
            answers = self._ask()
        except Refused as error:
            if error.code not in _GONE:
                raise as_error(error) from None
            answers = self._session.ask(*SETTINGS, *self._queries())[len(SETTINGS) :]
        hidden = {name for (name,) in answers[0]}
        texts = [text for ((text,),) in answers[1:]]
        # Most of what is read again is as it was, to the letter.
        self._parts = {text: self._parts.get(text) or objects_in(text) for text in texts}
        objects = {item: properties for part in self._parts.values() for item, properties in part.items()}
        return {i: p for i, p in objects.items() if i.name not in hidden and i.of not in hidden}

    def close(self) -> None:
        """Give up the second connection, where there is one."""
        if self._own is not None:
            self._own.close()
            self._own = None

    def _queries(self) -> list[str]:
        return [
            books(self._session.place.schema, self._session.settings.history_table),
            *queries(self._session.version),
        ]

    def _ask(self) -> list[list[Row]]:
        if self._times == 1 or self._session.pooling is not Pooling.NONE:
            return self._session.ask_raw(*SETTINGS, *self._queries())[len(SETTINGS) :]
        ask = [f"EXECUTE c{number}" for number in range(len(self._queries()))]
        if self._own is not None:
            with suppress(DatabaseUnreachable):  # a script may end the sessions of others
                return self._own.send(ask).rows
            self.close()
        self._own = self._prepared()
        return self._own.send(ask).rows

    def _prepared(self) -> Wire:
        wire, _ = connect(self._session.conninfo, self._session.settings)
        wire.send([setting.replace("SET LOCAL", "SET") for setting in SETTINGS])
        wire.send([f"PREPARE c{number} AS {query}" for number, query in enumerate(self._queries())])
        return wire
