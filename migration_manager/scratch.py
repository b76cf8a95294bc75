"""Running scripts in a scratch database, as a run of `migrate` or `rollback` would, and saying how they fail there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from migration_manager import aftermath
from migration_manager.engines.base import Engine, Scratch, SessionSettings
from migration_manager.errors import ConfigError, MigrationFailed, SqlFailed
from migration_manager.locate import locate
from migration_manager.model import Run, RunReport, Script, Task
from migration_manager.prepare import Preparer
from migration_manager.proof import Failure

_MISSING_ROLE: Final = re.compile(r'role "(?P<name>(?:[^"]|"")+)" does not exist')
_NO_SUCH_OBJECT: Final = "42704"
_MOST_ROLES: Final = 50  # that one script may name before something else is wrong
_LACKS_EXTENSION: Final = re.compile(
    r'extension "(?P<name>[^"]+)" is not available|extension control file "[^"]*/(?P<file>[^"/]+)\.control"'
)


@dataclass(frozen=True, slots=True)
class Bench:
    """What is worked with in scratch databases: where they are made, how they are opened, whose scripts run there.

    `schema` is what a database begins with; None is an empty one. With `plants_rows` its tables are given rows.
    """

    scratch: Scratch
    settings: SessionSettings
    preparer: Preparer
    run: Run
    warn: Callable[[str], None]
    schema: Script | None = None
    plants_rows: bool = True


def make_database(bench: Bench) -> str:
    """Make a database with the schema that the bench begins with, and return its name.

    Raises `ConfigError` where the schema does not run on this server.
    """
    name = bench.scratch.make()
    try:
        if bench.schema is not None:
            _fill(bench, name, bench.schema)
    except BaseException:
        bench.scratch.drop(name)
        raise
    return name


def run_script(bench: Bench, engine: Engine, task: Task) -> Failure | None:
    """Run a task as a run of `migrate` or `rollback` would; return how it failed, None where it did not."""

    def run() -> None:
        if task.outside_transaction:
            engine.run_outside_transaction(bench.run, task.change)
        else:
            engine.transact(bench.run, [task.change])

    try:
        with_roles(bench, task.name, run)
    except SqlFailed as error:
        return failure_of(bench, task, error)
    return None


def with_roles(bench: Bench, name: str, run: Callable[[], None], because: str = "no migration makes it") -> None:
    """Run a script; a role that it names and that nobody has made, because roles belong to a server, is made.

    Raises the `SqlFailed` of anything else.
    """
    for _ in range(_MOST_ROLES):
        try:
            run()
        except SqlFailed as error:
            role = _missing_role(bench, error)
            if role is None or error.kept:  # what is half done cannot be done again
                raise
            bench.scratch.make_role(role)
            bench.warn(f"the role {role} was made in the scratch server: {because}")
        else:
            return
    raise ConfigError(f"{name} names more than {_MOST_ROLES} roles that do not exist")


def failure_of(bench: Bench, task: Task, error: SqlFailed) -> Failure:
    """Return how a script failed. Raises `ConfigError` for an extension that the scratch server lacks."""
    failed = aftermath.failure(task, [task], error, RunReport(bench.run.id))
    path = task.change.script.source.path if task.change.script else task.name
    line = column = None
    if isinstance(failed, MigrationFailed):
        path, line, column = failed.path, failed.line, failed.column
    _refuse_without_extension(bench, error, path if line is None else f"{path}:{line}")
    return Failure(error.message, path, line, column, error.code)


def _missing_role(bench: Bench, error: SqlFailed) -> str | None:
    if error.code != _NO_SUCH_OBJECT or not bench.scratch.owned:
        return None
    found = _MISSING_ROLE.search(error.message)
    return None if found is None else found["name"].replace('""', '"')


def _fill(bench: Bench, name: str, schema: Script) -> None:
    path = schema.source.path
    try:
        with_roles(bench, path, lambda: bench.scratch.fill(name, schema), f"{path} names it")
    except SqlFailed as error:
        _refuse_without_extension(bench, error, path)
        place = None if error.offset is None else locate(schema.source.read(), error.offset)
        raise ConfigError(
            f"{path} does not run on the scratch server ({bench.scratch.shown}): {error.message}"
            + ("" if place is None else f"\n{place.excerpt}"),
            hint="set `scratch_url` to a server of the environment's version",
        ) from None


def _refuse_without_extension(bench: Bench, error: SqlFailed, place: str) -> None:
    if found := _LACKS_EXTENSION.search(error.message):
        raise ConfigError(
            f"the scratch server ({bench.scratch.shown}) has no extension {found['name'] or found['file']},"
            f" which {place} creates",
            hint="set `scratch_url` to a server that has it, or to a container, as in"
            ' scratch_url = "testcontainers:postgis/postgis:17-3.5"',
        )
