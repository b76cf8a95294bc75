"""Where configuration is written: the TOML file, found from the current folder upwards, and `.env` beside it.

Reads the disk and knows the two formats; what keys mean is `config`'s business. Nothing here writes.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from migration_manager.errors import ConfigError

FILE_NAME: Final = "migration_manager.toml"
PYPROJECT_NAME: Final = "pyproject.toml"
DOTENV_NAME: Final = ".env"

DEFAULT_CONFIG: Final = """\
# Configuration of migration_manager. `migration-manager config` shows every value and where it comes from.
# A flag wins over a variable (MIGRATION_MANAGER_LOCK_TIMEOUT, ...), that over .env, that over this file.

migrations = "migrations"             # the folder with NAME.sql and NAME_rollback.sql
default_environment = "dev"           # used without --env
# scratch_url = "embedded:"           # where `prove` and `rehearse` make and drop databases of their own

[environments.dev]
url = "embedded:"                     # a PostgreSQL of its own in .migration_manager/dev; nothing to install

[environments.uat]
url = "${UAT_DATABASE_URL}"           # from the environment or from .env; needed only when uat is used

[environments.production]
url = "${PRODUCTION_DATABASE_URL}"
protected = true                      # ask first; implied by the names production and prod
# migrate_url = "${PRODUCTION_DIRECT_URL}"   # past the connection pooler, where there is one
# role = "app_owner"                  # files run under SET ROLE, so that all objects have one owner
# history_schema = "public"           # default: the first schema of the search path
# history_table = "schema_migrations"
lock_timeout = "3s"                   # how long a statement may wait for a lock; default 5s
# lock_retries = 10                   # how often a file is tried again that did not get its locks
# lock_retry_budget = "10min"         # how long all tries of a file may take
# lock_queue_limit = 0                # give way when more sessions queue behind us; 0 is no limit
# show_queries = true                 # show the queries of those in the way
# statement_timeout = "15min"         # default 0, no limit
# schema_file = "schema.sql"          # written after each run that changed something
# pg_bin = "/usr/lib/postgresql/16/bin"   # PostgreSQL's client programs; default: looked for
# lock_wait = "10min"                 # how long to wait for another run
out_of_order = "refuse"               # refuse | warn | allow; default: refuse where protected, else warn
require_rollback = true               # refuse migrations that have no rollback script
# server_version = "16"               # PostgreSQL's, for `lint`, which asks no server; default: the newest
"""

_TABLE = "migration_manager"
_PLACE = re.compile(r"line (\d+), column (\d+)")  # else "end of document"


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A configuration file that was read. `shown` is its path for people, `prefix` stands before its keys."""

    path: Path
    shown: str
    prefix: str
    table: dict[str, Any] = field(repr=False)  # may hold passwords
    readable_by_all: bool


@dataclass(frozen=True, slots=True)
class DotEnv:
    """The variables of a `.env` file, and the numbers of the lines that could not be understood."""

    values: dict[str, str] = field(repr=False)
    bad_lines: tuple[int, ...] = ()


def find(cwd: Path) -> ConfigFile | None:
    """Return the nearest configuration in the folder or its parents; None when there is none.

    Raises `ConfigError` for a file that cannot be read and for a folder with two configurations.
    """
    for folder in (cwd, *cwd.parents):
        own, project = folder / FILE_NAME, folder / PYPROJECT_NAME
        in_own = os.path.isfile(own)  # noqa: PTH113  # Path.is_file raises in a folder that is closed to us
        shared = _read_pyproject(project, cwd) if _mentions_us(project) else None
        if in_own and shared is not None:
            raise ConfigError(
                f"{_shown(own, cwd)} and [tool.{_TABLE}] in {_shown(project, cwd)} both configure this"
                " project; keep one of them"
            )
        if in_own:
            return read(own, cwd)
        if shared is not None:
            return shared
    return None


def read(path: Path, cwd: Path) -> ConfigFile:
    """Read this very file; a `pyproject.toml` must have our table. Raises `ConfigError`."""
    if path.name != PYPROJECT_NAME:
        return ConfigFile(path, _shown(path, cwd), "", _toml(path, cwd), _readable_by_all(path))
    found = _read_pyproject(path, cwd)
    if found is None:
        raise ConfigError(f"{_shown(path, cwd)} has no table [tool.{_TABLE}]")
    return found


def read_dotenv(folder: Path, cwd: Path) -> DotEnv:
    """Read `.env` in the folder; empty when there is none. Values are taken as they are, `$` and all."""
    path = folder / DOTENV_NAME
    # A folder called .env is somebody's virtual environment.
    if not path.exists() or path.is_dir():
        return DotEnv({})
    import io

    from dotenv.parser import parse_stream  # costs time, and most runs have no such file

    # Not dotenv_values: that one logs lines it cannot read instead of telling us.
    bindings = list(parse_stream(io.StringIO(_text(path, cwd))))
    values = {b.key: b.value for b in bindings if b.key is not None and b.value is not None and not b.error}
    return DotEnv(values, tuple(b.original.line for b in bindings if b.error))


def _mentions_us(path: Path) -> bool:
    # Most pyproject.toml files on the way up are not ours; parsing them would cost more than looking.
    try:
        return re.search(rb"migration[_-]manager", path.read_bytes()) is not None
    except OSError:
        return False


def _read_pyproject(path: Path, cwd: Path) -> ConfigFile | None:
    tool = _toml(path, cwd).get("tool")
    if not isinstance(tool, dict):
        return None
    if "migration-manager" in tool:
        raise ConfigError(f"{_shown(path, cwd)}: write [tool.{_TABLE}], with an underscore")
    if _TABLE not in tool:
        return None
    table = tool[_TABLE]
    if not isinstance(table, dict):
        raise ConfigError(f"{_shown(path, cwd)}: tool.{_TABLE} must be a table")
    return ConfigFile(path, _shown(path, cwd), f"tool.{_TABLE}.", table, _readable_by_all(path))


def _toml(path: Path, cwd: Path) -> dict[str, Any]:
    import tomllib  # only where there is a file

    text = _text(path, cwd)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).removesuffix(")").rpartition(" (at ")
    # Outside of the handler: from Python 3.14 on, the parser's error carries the whole file.
    found = _PLACE.fullmatch(place)
    line, column = found.groups() if found else (text.count("\n") + 1, len(text) - text.rfind("\n"))
    raise ConfigError(f"{_shown(path, cwd)}:{line}:{column}: {message}")


def _text(path: Path, cwd: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"{_shown(path, cwd)}: there is no such file") from None
    except OSError as error:
        raise ConfigError(f"{_shown(path, cwd)}: cannot be read: {error.strerror}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        offset = error.start
    raise ConfigError(f"{_shown(path, cwd)}: is not UTF-8 (byte {offset})")


def _readable_by_all(path: Path) -> bool:
    # Windows has no such bits; Python shows 0o666 there.
    return os.name == "posix" and bool(path.stat().st_mode & 0o004)


def _shown(path: Path, cwd: Path) -> str:
    try:
        return os.path.relpath(path, cwd)
    except ValueError:  # another drive of Windows
        return str(path)
