"""Running scripts in a scratch database, as a run of `migrate` or `rollback` would, and saying how they fail there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from migration_manager import aftermath
from migration_manager.engines.base import Engine, Scratch, SessionSettings
from migration_manager.errors import ConfigError, MigrationFailed, SqlFailed
from migration_manager.model import Run, RunReport, Task
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
    """What is worked with in scratch databases: where they are made, how they are opened, whose scripts run there."""

    scratch: Scratch
    settings: SessionSettings
    preparer: Preparer
    run: Run
    warn: Callable[[str], None]


def run_script(bench: Bench, engine: Engine, task: Task) -> Failure | None:
    """Run a task; return how it failed, None where it did not.

    A role that it names and that nobody has made, because roles belong to a server, is made. Raises `ConfigError` for
    an extension that the server lacks.
    """
    for _ in range(_MOST_ROLES):
        try:
            if task.outside_transaction:
                engine.run_outside_transaction(bench.run, task.change)
            else:
                engine.transact(bench.run, [task.change])
        except SqlFailed as error:
            role = _missing_role(bench, error)
            if role is None or error.kept:  # what is half done cannot be done again
                return _failure(bench, task, error)
            bench.scratch.make_role(role)
            bench.warn(f"the role {role} was made in the scratch server: no migration makes it")
        else:
            return None
    raise ConfigError(f"{task.name} names more than {_MOST_ROLES} roles that do not exist")


def _missing_role(bench: Bench, error: SqlFailed) -> str | None:
    if error.code != _NO_SUCH_OBJECT or not bench.scratch.owned:
        return None
    found = _MISSING_ROLE.search(error.message)
    return None if found is None else found["name"].replace('""', '"')


def _failure(bench: Bench, task: Task, error: SqlFailed) -> Failure:
    failed = aftermath.failure(task, [task], error, RunReport(bench.run.id))
    path = task.change.script.source.path if task.change.script else task.name
    line = column = None
    if isinstance(failed, MigrationFailed):
        path, line, column = failed.path, failed.line, failed.column
    if found := _LACKS_EXTENSION.search(error.message):
        place = path if line is None else f"{path}:{line}"
        raise ConfigError(
            f"the scratch server ({bench.scratch.shown}) has no extension {found['name'] or found['file']},"
            f" which {place} creates",
            hint="set `scratch_url` to a server that has it, or to a container, as in"
            ' scratch_url = "testcontainers:postgis/postgis:17-3.5"',
        )
    return Failure(error.message, path, line, column, error.code)
