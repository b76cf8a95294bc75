"""Running pg_dump: an address without its secrets as arguments, the secrets in the child's environment.

Every user of a machine may read a process's arguments, and only its owner its environment. What pg_dump refuses becomes
an error of ours, in its own words.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from migration_manager.clients.programs import Program
from migration_manager.errors import (
    ConfigError,
    DatabaseMissing,
    DatabaseUnreachable,
    MigrationManagerError,
    TryLater,
)
from migration_manager.secret import Secret

RESTRICT_KEY: Final = "migrationmanager"  # the same each time, so that the text is

# The first minor releases that know --restrict-key (release notes of August 2025); all of 18 and later do.
_KNOWS_RESTRICT_KEY: Final = {13: 22, 14: 19, 15: 14, 16: 10, 17: 6}
_COMPLETE: Final = "-- PostgreSQL database dump complete"
_GRACE: Final = 2.0  # seconds: it tells the server to cancel, and ends
_LONGEST: Final = 2000  # characters of what it said
_LONGEST_LINE: Final = 900  # bytes that libpq reads of a line of a service file
_SERVICE: Final = "migration_manager"

# How its words (under LC_MESSAGES=C) say what kind of failure it is: it gives no SQLSTATE.
_UNREACHABLE: Final = re.compile(
    r"connection to (?:server|database)|could not (?:connect|translate host)|server closed the connection"
    r"|terminating connection|definition of service|no password supplied|too many (?:clients|connections)"
    r"|the database system is"
)
_NO_DATABASE: Final = re.compile(r'database "(.*)" does not exist')
_NOT_ALLOWED: Final = re.compile(r"permission denied|must be (?:owner|superuser|member)|row-level security")
_LOCKED: Final = re.compile(r"due to (?:lock|statement) timeout|could not obtain lock|lock not available")


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a program connects: keywords of libpq, the secret ones apart."""

    parameters: Mapping[str, str]
    secrets: Mapping[str, Secret]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a schema is wanted. `without` are tables left out, each with its schema.

    `role` is taken before anything is read; `lock_timeout` is milliseconds, 0 waits without end.
    """

    owners: bool = False  # and privileges
    without: tuple[tuple[str, str], ...] = ()
    role: str | None = None
    lock_timeout: int = 0


def dump_schema(
    program: Program, connection: Connection, wanted: Wanted, environ: Mapping[str, str]
) -> tuple[str, tuple[str, ...]]:
    """Return the schema as pg_dump writes it, without data and without subscriptions, which hold passwords.

    And what it warned of.

    The child is ended when we are interrupted. Raises `DatabaseUnreachable`, `DatabaseMissing`, `TryLater` for a lock
    that was not free, `ConfigError` where a privilege is missing, `MigrationManagerError` for what else it refuses.
    """
    with _secretly(connection, environ) as variables:
        command = [str(program.path), *_options(program, wanted), f"--dbname={_conninfo(connection.parameters)}"]
        try:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=variables
            )
        except OSError as error:
            raise ConfigError(f"{program.path} cannot be run: {(error.strerror or str(error)).lower()}") from None
        out, err = _finished(child)
    if child.returncode != 0:
        raise _failure(child.returncode, err.decode("utf-8", "replace"), connection)
    try:
        text = out.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MigrationManagerError(
            f"the schema is not UTF-8 (byte {error.start} of what pg_dump wrote)",
            hint="a database whose encoding is SQL_ASCII holds whatever it was given: rename what is not UTF-8",
        ) from None
    if _COMPLETE not in text[-200:]:
        raise MigrationManagerError(f"what {program.path} wrote has no end: it was cut off")
    said = err.decode("utf-8", "replace").splitlines()
    return text, tuple(line.removeprefix("pg_dump: ") for line in said if line.startswith("pg_dump: warning: "))


def _finished(child: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """Wait for a child and return what it wrote; one that is not waited for to its end is ended."""
    try:
        return child.communicate()
    except BaseException:
        child.terminate()
        try:
            child.wait(_GRACE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        raise
    finally:
        for stream in (child.stdout, child.stderr):
            if stream is not None:
                stream.close()


def _options(program: Program, wanted: Wanted) -> list[str]:
    options = ["--schema-only", "--no-password", "--encoding=UTF8", "--no-subscriptions"]
    if _knows_restrict_key(program):
        options.append(f"--restrict-key={RESTRICT_KEY}")
    if not wanted.owners:
        options += ["--no-owner", "--no-privileges"]
    if wanted.role is not None:
        options.append(f"--role={wanted.role}")
    if wanted.lock_timeout:
        options.append(f"--lock-wait-timeout={wanted.lock_timeout}")
    options += [f"--exclude-table={_quoted(schema)}.{_quoted(table)}" for schema, table in wanted.without]
    return options


def _knows_restrict_key(program: Program) -> bool:
    if program.minor is None:
        return False
    first = _KNOWS_RESTRICT_KEY.get(program.major)
    return program.major >= 18 if first is None else program.minor >= first


def _quoted(name: str) -> str:
    """Return a name as a pattern that means itself."""
    return '"' + name.replace('"', '""') + '"'


def _conninfo(parameters: Mapping[str, str]) -> str:
    def value(text: str) -> str:
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    return " ".join(f"{key}={value(text)}" for key, text in parameters.items())


@contextmanager
def _secretly(connection: Connection, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield the child's environment: ours, with the secrets, and with messages in English.

    The password has a variable. What has none stands in a service file that only we may read, for that long.
    """
    variables = {name: value for name, value in environ.items() if name not in ("LC_ALL", "LANGUAGE")}
    variables["LC_MESSAGES"] = "C"
    if "LC_ALL" in environ:
        variables["LC_CTYPE"] = environ["LC_ALL"]
    secrets = {key: secret.reveal() for key, secret in connection.secrets.items()}
    if (password := secrets.pop("password", None)) is not None:
        variables["PGPASSWORD"] = password
    if not secrets:
        yield variables
        return
    listed = " and ".join(secrets)
    if "service" in connection.parameters or "PGSERVICE" in environ:
        raise ConfigError(f"{listed} cannot be handed to pg_dump beside a service: write it into the service file")
    for key, secret in secrets.items():
        if secret != secret.strip() or not secret.isprintable() or len(secret.encode()) > _LONGEST_LINE:
            raise ConfigError(f"{key} cannot be handed to pg_dump: a service file takes one line without outer blanks")
    lines = [f"[{_SERVICE}]", *(f"{key}={secret}" for key, secret in secrets.items())]
    try:
        folder = tempfile.TemporaryDirectory(prefix="migration_manager-")  # it is closed to others
        path = Path(folder.name) / "pg_service.conf"
        path.write_text("\n".join(lines) + "\n", "utf-8")
    except OSError as error:
        raise ConfigError(f"{listed} cannot be handed to pg_dump: {(error.strerror or str(error)).lower()}") from None
    with folder:
        yield variables | {"PGSERVICE": _SERVICE, "PGSERVICEFILE": str(path)}


def _failure(code: int, said: str, connection: Connection) -> MigrationManagerError:
    words = _words(said) or f"it ended with {code} and said nothing"
    database = connection.parameters.get("dbname", "")
    if (missing := _NO_DATABASE.search(words)) and "connection to" in words:
        return DatabaseMissing(f"there is no database {missing[1] or database}", hint="`db create` makes it")
    if _LOCKED.search(words):
        return TryLater(
            f"pg_dump did not get its locks: {words}",
            hint="a lock that somebody holds keeps readers out: `blockers` shows whose; run again later",
        )
    if _UNREACHABLE.search(words):
        return DatabaseUnreachable(f"pg_dump cannot connect: {words}", hint="`config` shows the address")
    if _NOT_ALLOWED.search(words):
        return ConfigError(
            f"pg_dump may not read this schema: {words}",
            hint="it locks every table it describes, for which the login (or `role`) needs SELECT on them:"
            " GRANT pg_read_all_data TO it, or leave it to the tables' owner",
        )
    return MigrationManagerError(f"pg_dump failed: {words}")


def _words(said: str) -> str:
    """Return what pg_dump said in one line, without its name before each and the query that it sent."""
    lines = [re.sub(r"^pg_dump: (?:error: |detail: |hint: )?", "", line.strip()) for line in said.splitlines()]
    kept: Sequence[str] = [line for line in lines if line and not line.startswith(("Query was:", "query was:"))]
    text = " ".join(kept)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
