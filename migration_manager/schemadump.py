"""The schema of a database as text, whatever its engine is. Reads only.

SQLite keeps the statements that made it; PostgreSQL's are written by its pg_dump, over a connection of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from migration_manager.clients import Connection, Wanted, dump_schema, find_program
from migration_manager.dumptext import of_definitions, place_of_secret, stable_dump, with_applied
from migration_manager.engines.base import Engine
from migration_manager.errors import ConfigError, DatabaseUnreachable, ForeignHistory, GuardRefused, TryLater
from migration_manager.model import Recorded
from migration_manager.secret import Secret
from migration_manager.urls import DatabaseUrl, EmbeddedUrl, PostgresUrl

_READINGS = 3  # of history and schema, until both are of the same moment


@dataclass(frozen=True, slots=True)
class Reach:
    """How a client program gets to the database that an engine is open on. `lock_timeout` is milliseconds, 0 no limit.

    `programs` is the configured folder of PostgreSQL's programs; None looks for them.
    """

    url: DatabaseUrl
    environ: Mapping[str, str]
    application_name: str
    programs: Path | None = None
    lock_timeout: int = 0


@dataclass(frozen=True, slots=True)
class SchemaText:
    """A schema as a file has it: `text` ends with the names in `recorded`.

    `warnings` say what was left out, or what pg_dump thinks of it.
    """

    text: str
    recorded: Recorded
    warnings: tuple[str, ...]


def schema_dump(
    engine: Engine, reach: Reach, *, owners: bool = False, with_history: bool = False
) -> tuple[str, tuple[str, ...]]:
    """Return a database's schema without data, stable between runs, and warnings: what was left out, say.

    A database that is not made yet has none. `owners` adds owners and privileges, where there are any; the
    tables of the history are left out unless they are wanted. Raises as `clients` does, and `ConfigError` behind a
    connection pooler.
    """
    definitions = engine.definitions(with_history=with_history)
    if definitions is not None:
        return of_definitions(definitions), ()
    if not engine.capabilities.outside_transaction:
        raise ConfigError(
            "pg_dump cannot be used through a connection pooler: what it sets for its session would reach others",
            hint="set `migrate_url` to an address past the pooler",
        )
    identity = engine.identify()
    program = find_program("pg_dump", identity.version, environ=reach.environ, configured=reach.programs)
    tables = () if with_history else engine.history_tables()
    wanted = Wanted(
        owners=owners,
        without=tables,
        role=identity.role if identity.role != identity.user else None,
        lock_timeout=reach.lock_timeout,
    )
    text, told = dump_schema(program, _connection(reach), wanted, reach.environ)
    schema, left_out = stable_dump(text, history_schema=tables[0][0] if tables else None)
    return schema, (*told, *left_out)


def schema_text(engine: Engine, reach: Reach, *, owners: bool, secrets: tuple[Secret, ...] = ()) -> SchemaText:
    """Return what is kept in a file: the schema, and the applied migrations as of the same moment.

    Raises as `schema_dump` does, `TryLater` while others keep migrating, and `GuardRefused` for a schema that has one
    of the `secrets` in it.
    """
    before, told = _recorded(engine)
    for _ in range(_READINGS):
        schema, warnings = schema_dump(engine, reach, owners=owners)
        after, told = _recorded(engine)
        if after.applied == before.applied:
            _refuse_secrets(schema, secrets)
            return SchemaText(with_applied(schema, after), after, (*told, *warnings))
        before = after
    raise TryLater("the history changed each time the schema was read", hint="run again when others have finished")


def _recorded(engine: Engine) -> tuple[Recorded, tuple[str, ...]]:
    try:
        return engine.recorded(), ()
    except ForeignHistory as error:  # its table is a part of the schema like any other
        return Recorded(exists=False, environment=None, applied=()), (error.message,)


def _refuse_secrets(schema: str, secrets: tuple[Secret, ...]) -> None:
    for secret in secrets:
        line = place_of_secret(schema, secret.reveal())
        if line is not None:
            raise GuardRefused(
                f"line {line} of the schema has the password of this environment in it, so it is not written",
                hint="take it out of the object that holds it: a server's options, a function's body, a comment",
            )


def _connection(reach: Reach) -> Connection:
    from migration_manager.engines.postgres_connect import with_primary

    own = {"connect_timeout": "10", "application_name": reach.application_name}
    if isinstance(reach.url, EmbeddedUrl):
        from migration_manager import embedded

        address = embedded.address(reach.url.directory)
        if address is None:
            raise DatabaseUnreachable("the embedded PostgreSQL is not running", hint="`db start` keeps it up")
        return Connection({**own, **address.conninfo}, {})
    if not isinstance(reach.url, PostgresUrl):
        raise TypeError(f"no client program reaches {reach.url.shown()}")
    return Connection(with_primary({**own, **reach.url.parameters}), reach.url.secrets)
