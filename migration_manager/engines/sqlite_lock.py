"""The lock of a SQLite target: a file beside the database, locked by the kernel while its holder lives.

SQLite has no lock that outlives a transaction, so the session's lock is a `flock` on
`<database>.migration-lock`. It belongs to one opening of that file: it excludes other processes and other
engines of the same process alike, and the kernel lets go of it when the holder ends, however it ends. The
database file itself is never opened here: closing any descriptor of it would drop the locks SQLite holds on
it in this process (sqlite.org/howtocorrupt.html, 2.2).
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from migration_manager.errors import DatabaseUnreachable, LockNotAcquired
from migration_manager.model import LockHolder

PAUSE = 0.05  # seconds between two tries
HolderTold = Callable[[LockHolder | None, float], None]


def lock_path(database: Path) -> Path:
    """Return where the lock of a database is; the same for every symbolic link that leads to it."""
    real = Path(os.path.realpath(database))
    return real.with_name(real.name + ".migration-lock")


def os_user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run under a number that has no name
        return str(os.getuid())


def ourselves(application: str) -> LockHolder:
    """Return what others are told of this process while it holds a lock."""
    return LockHolder(os.getpid(), os_user(), application, socket.gethostname(), datetime.now(UTC))


@contextmanager
def held(path: Path, wait: float, on_wait: HolderTold, holder: LockHolder) -> Iterator[None]:
    """Hold the lock file, waiting at most `wait` seconds; raises `LockNotAcquired` with who holds it.

    `on_wait` hears of the holder once a second.
    """
    descriptor = _wait_for(path, wait, on_wait)
    try:
        _sign(descriptor, holder)
        yield
    finally:
        # Deleting a lock file is racy unless both sides help: somebody may have it open already and would
        # lock a file that has no name any more, while a third makes and locks a new one. So only the holder
        # deletes it, before it lets go, and whoever gets the lock checks that its file still is the one of
        # that name (`_try`).
        with suppress(OSError):
            if _is_still_named(path, descriptor):  # not when a person deleted it and another run made its own
                path.unlink()
        os.close(descriptor)


def _wait_for(path: Path, wait: float, on_wait: HolderTold) -> int:
    began = time.monotonic()
    next_word = 1.0
    while (descriptor := _try(path)) is None:
        waited = time.monotonic() - began
        if waited >= wait:
            raise LockNotAcquired(waited, read_holder(path))
        if waited >= next_word:
            on_wait(read_holder(path), waited)
            next_word = waited + 1
        time.sleep(min(PAUSE, wait - waited))
    return descriptor


def _try(path: Path) -> int | None:
    """Return a descriptor that holds the lock, or None while another one does."""
    while True:
        descriptor = _open(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still_named(path, descriptor):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except PermissionError:
        # Another user's run was killed and its file stayed. Reading is enough to lock it.
        with suppress(OSError):
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        raise _unusable(path, "permission denied") from None
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from None


def _unusable(path: Path, reason: str) -> DatabaseUnreachable:
    return DatabaseUnreachable(
        f"the lock file {path} cannot be made: {reason}",
        hint="migrating needs a directory that exists and may be written; SQLite keeps its journal there too",
    )


def _is_still_named(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _sign(descriptor: int, holder: LockHolder) -> None:
    facts = {
        "pid": holder.pid,
        "user": holder.user,
        "application": holder.application,
        "host": holder.host,
        "since": holder.since.isoformat() if holder.since else None,
    }
    # The signature only serves the waiter's message: a file that cannot be written is locked all the same.
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, (json.dumps(facts) + "\n").encode(), 0)


def read_holder(path: Path) -> LockHolder | None:
    """Return who signed the lock file; None when nobody has, or its line cannot be read."""
    try:
        facts = json.loads(path.read_text("utf-8"))
        since = facts.get("since")
        return LockHolder(
            pid=int(facts["pid"]),
            user=_text(facts.get("user")),
            application=_text(facts.get("application")),
            host=_text(facts.get("host")),
            since=None if since is None else datetime.fromisoformat(since).astimezone(UTC),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def holder_of(path: Path) -> LockHolder | None:
    """Return who holds the lock this moment; None when nobody does. Makes no file, and holds up nobody."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return read_holder(path) or LockHolder(None, None, None, None, None)
    finally:
        os.close(descriptor)
    return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
