"""Keep the PostgreSQL behind `embedded:[directory]`: started for its first user, stopped after its last.

Users are counted by the kernel: each holds a shared flock on `users.lock`, so a killed process leaves no
stale count, and whoever can turn its own into an exclusive one is the last. `gate.lock` makes starting and
stopping one decision at a time. Knows directories, locks and processes; nothing of SQL or the configuration.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from migration_manager.embedded import locks, places, probe, server, wheel
from migration_manager.embedded.places import Place
from migration_manager.embedded.probe import Address
from migration_manager.errors import ConfigError, DatabaseUnreachable, GuardRefused, MigrationManagerError

__all__ = ["Address", "address", "binaries", "destroy", "exists", "is_installed", "keep", "running", "stop"]

OnEvent = Callable[[str], None]

# Longer than the longest healthy stay inside (initdb and a start), so nobody gives up on a slow starter.
_GATE_SECONDS = 150.0
_SILENT_SECONDS = 2.0


def _ignore(event: str) -> None:
    pass


@contextmanager
def running(directory: Path, *, on_event: OnEvent = _ignore) -> Iterator[Address]:
    """Have the server running for as long as the block lasts.

    Initialises and starts it when needed, finds it again when it runs. On the way out it is stopped, unless
    another process, thread or outer block uses it, or `keep` asked for it to stay. The way out never raises:
    what goes wrong there is told to `on_event`.
    """
    place = _find(directory)
    with _explained(place.shown):
        place, seat, found = _join(place, on_event)
    try:
        yield found
    finally:
        _leave(place, seat, on_event)


def keep(directory: Path, *, on_event: OnEvent = _ignore) -> Address:
    """Start the server when needed and let it outlive this process, until `stop`."""
    with running(directory, on_event=on_event) as found:
        place = _find(directory)
        with _explained(place.shown):
            places.write_file(place.keep, "`db stop` ends this server; without this file its last user does.\n")
    return found


def stop(directory: Path, *, force: bool = False, on_event: OnEvent = _ignore) -> bool:
    """Stop the server and forget `keep`; False when it was not running.

    Raises `GuardRefused`, and changes nothing, while other users hold it, unless `force`.
    """
    place = _find(directory)
    if _is_untouched(place):
        return False
    with _explained(place.shown), _gate(place, on_event):
        return _stop(place, force=force)


def address(directory: Path) -> Address | None:
    """Say where the server listens, None when it is not running. Does not write."""
    place = _find(directory)
    with _explained(place.shown):
        return probe.find(place)


def exists(directory: Path) -> bool:
    """Say whether a database was ever made here, so that read-only commands need not. Does not write."""
    place = _find(directory)
    with _explained(place.shown):
        return probe.major(place) is not None


def destroy(directory: Path, *, force: bool = False, on_event: OnEvent = _ignore) -> None:
    """Stop the server as `stop` does and delete its data and log.

    The lock files stay: others may be waiting on them.
    """
    place = _find(directory)
    if _is_untouched(place):
        return
    with _explained(place.shown), _gate(place, on_event):
        _stop(place, force=force)
        server.delete(place)
        if place.home != place.directory:
            shutil.rmtree(place.home)
            place.marker.unlink()


def is_installed() -> bool:
    """Say whether the server is there to be started."""
    if os.name != "posix":
        return False
    try:
        return bool(wheel.binaries())
    except ConfigError:
        return False


def binaries() -> Path:
    """Give the folder with psql, pg_dump and pg_restore; raises `ConfigError` when the wheel is missing."""
    return wheel.binaries()


def _find(directory: Path) -> Place:
    if os.name != "posix":
        raise ConfigError(
            "`embedded:` works on Linux and macOS only",
            hint="set a postgresql:// URL, for instance of a PostgreSQL in a container",
        )
    with _explained(str(directory)):
        return places.find(directory)


def _is_untouched(place: Place) -> bool:
    with _explained(place.shown):
        return probe.major(place) is None and not os.path.lexists(place.gate)


def _join(place: Place, on_event: OnEvent) -> tuple[Place, int, Address]:
    """Take a seat among the users and make sure that the server runs."""
    places.prepare(place)
    with _gate(place, on_event):
        # Looked up again: whoever held the gate before us may have made the cluster, and not where we would.
        place = places.find(place.directory)
        seat = places.open_file(place.users, os.O_RDWR)
        try:
            locks.share(seat)
            place, found = _ensure_running(place, on_event)
        except KeyboardInterrupt:
            try:
                # Otherwise the server just started would be left to nobody. Its home may be new: look again.
                _stop_if_last(places.find(place.directory), seat, on_event)
            finally:
                locks.release(seat)
            raise
        except BaseException:
            locks.release(seat)
            raise
    return place, seat, found


def _leave(place: Place, seat: int, on_event: OnEvent) -> None:
    try:
        with _explained(place.shown), _gate(place, on_event):
            _stop_if_last(place, seat, on_event)
    except MigrationManagerError as error:
        # The work is done and its outcome known; a server that stays up must not replace either.
        on_event(f"the embedded PostgreSQL in {place.shown} was not stopped: {error}")
    finally:
        locks.release(seat)


def _stop_if_last(place: Place, seat: int, on_event: OnEvent) -> None:
    """Give up the seat, and stop the server if it was the last. The gate must be held."""
    # The kernel drops the shared lock before it tries for the other; the gate keeps newcomers out meanwhile.
    last = locks.try_exclusive(seat) and locks.is_still(place.users, seat)
    # A server that was started by hand is its owner's to stop.
    wanted = os.path.lexists(place.keep) or not server.is_alive(place)
    if last and not wanted and server.stop(place):
        on_event(f"stopped embedded PostgreSQL in {place.shown}")
    # Still inside the gate: the next one through it must be able to sit down.
    locks.unlock(seat)


def _ensure_running(place: Place, on_event: OnEvent) -> tuple[Place, Address]:
    if probe.major(place) is None:
        place = server.initialise(place, on_event)
    return place, server.ensure_running(place, on_event)


def _stop(place: Place, *, force: bool) -> bool:
    if not force:
        _refuse_while_used(place)
    stopped = server.stop(place)
    place.keep.unlink(missing_ok=True)
    return stopped


def _refuse_while_used(place: Place) -> None:
    seat = places.open_file(place.users, os.O_RDWR)
    try:
        if not locks.try_exclusive(seat):
            pids = ", ".join(str(pid) for pid in locks.holders(place.users))
            raise GuardRefused(
                f"the embedded PostgreSQL in {place.shown} is in use" + (f" by process {pids}" if pids else ""),
                hint="wait until they have finished, or stop it under them with --force",
                state="it is still running",
            )
    finally:
        locks.release(seat)


@contextmanager
def _gate(place: Place, on_event: OnEvent) -> Iterator[None]:
    """Let one process at a time decide about starting and stopping."""
    with locks.Gate(place.gate) as gate:
        if not gate.pass_within(_SILENT_SECONDS):
            holder = "".join(f" {pid}" for pid in locks.holders(place.gate))
            on_event(f"waiting for process{holder}, which starts or stops the PostgreSQL in {place.shown}")
            if not gate.pass_within(_GATE_SECONDS):
                raise DatabaseUnreachable(
                    f"process{holder} has been starting or stopping the embedded PostgreSQL in {place.shown} "
                    f"for more than {_GATE_SECONDS:.0f} s",
                    hint="if it hangs, end it and run again",
                )
        yield


@contextmanager
def _explained(shown: str) -> Iterator[None]:
    """Turn what the file system refuses into a sentence with the path."""
    try:
        yield
    except (OSError, subprocess.SubprocessError) as error:
        raise DatabaseUnreachable(
            f"the embedded PostgreSQL in {shown} cannot be used: {error}",
            hint="choose a directory of your own with `embedded:DIRECTORY`",
        ) from error
