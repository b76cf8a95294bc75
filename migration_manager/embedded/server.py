"""One cluster: initialise, start, stop, delete. Whoever calls anything here holds the gate.

Whether some process of the server is left is read from `server.lock`: it is locked before the start, every
server process inherits the open file, and the kernel gives it back when the last is gone, be it by kill -9.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from migration_manager.embedded import locks, places, probe, wheel
from migration_manager.embedded.places import Place
from migration_manager.embedded.probe import Address, named
from migration_manager.errors import ConfigError, DatabaseUnreachable

_INIT_SECONDS = 60.0
_START_SECONDS = 60.0
_BURIAL_SECONDS = 1.0
# A fast shutdown first; then without the last checkpoint (the next start replays the log); then by force.
_STOP_STEPS = (("SIGINT", 30.0), ("SIGQUIT", 5.0), ("SIGKILL", 5.0))

# Servers that are our children, by data directory.
_children: dict[Path, int] = {}

_PUBLIC_TEMPORARY = Path("/tmp")  # noqa: S108  what is made there is made by mkdtemp
_TEMPORARY = "migration_manager-"
_LOG_LINES = 12
_LOG_ROTATES_AT = 4 * 1024 * 1024


def initialise(place: Place, on_event: Callable[[str], None]) -> Place:
    """Make the cluster beside its place and move it there when complete; its place may turn out elsewhere."""
    on_event(f"making an embedded PostgreSQL {wheel.MAJOR} database in {place.shown}")
    programs = wheel.server_binaries(place.account)
    fresh = _fresh_folder(place)
    try:
        if place.account is not None and not places.can_use(place.account, fresh):
            fresh.rmdir()
            place = _move_elsewhere(place)
            fresh = _fresh_folder(place)
        _refuse_occupied(place)
        _initdb(place, programs, fresh)
        fresh.rename(place.data)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return place


def ensure_running(place: Place, on_event: Callable[[str], None]) -> Address:
    """Find the server or start it."""
    found = probe.find(place)
    if found is None and is_alive(place):
        if _is_orphaned(place):
            stop(place)  # what a killed postmaster leaves at work keeps the next one from starting
        found = _settle(place)
    if found is not None:
        return found
    _refuse_other_major(place)
    on_event(f"starting embedded PostgreSQL {wheel.MAJOR} in {place.shown}")
    return _start(place)


def stop(place: Place) -> bool:
    """Stop the server with all its processes; False when there was none."""
    if _is_gone(place):
        return False
    claimed = probe.read_pid_file(place)
    for name, seconds in _STOP_STEPS:
        for pid in _targets(place, name):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.Signals[name])
        if locks.wait_until(lambda: _is_gone(place), seconds):
            _bury(place)
            _clear_stale(place, claimed)
            return True
    raise DatabaseUnreachable(
        f"the embedded PostgreSQL in {place.shown} does not stop{named(probe.processes(place))}",
        hint="end these processes; where none are named, it runs in another container",
        state="it is still running",
    )


def is_alive(place: Place) -> bool:
    """Say whether any process of a server that we started is left."""
    try:
        lock = os.open(place.server_lock, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        return not locks.try_share(lock)
    finally:
        os.close(lock)


def delete(place: Place) -> None:
    """Delete data, socket and log of a stopped server."""
    if place.data.is_dir():
        # Under another name first: an interruption must not leave half of it at its place.
        place.data.rename(place.home / f"data.init-{os.getpid()}")
    _remove_leftovers(place)
    for folder in place.home.glob("socket-*"):
        shutil.rmtree(folder)
    for log in (place.log, _old_log(place)):
        log.unlink(missing_ok=True)


def _fresh_folder(place: Place) -> Path:
    places.make_folder(place.home)
    _remove_leftovers(place)
    fresh = Path(tempfile.mkdtemp(prefix="data.init-", dir=place.home))
    places.hand_over(fresh, place.account)
    return fresh


def _remove_leftovers(place: Place) -> None:
    """Delete what an interrupted initdb or deletion has left; an orphan at work there writes into nothing."""
    for leftover in place.home.glob("data.init-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _move_elsewhere(place: Place) -> Place:
    moved = places.elsewhere(place)
    # The directory has no cluster yet, so what is there belongs to one of the same path that was deleted.
    stop(moved)
    delete(moved)
    places.mark_moved(moved)
    return moved


def _refuse_occupied(place: Place) -> None:
    if os.path.lexists(place.data) and not (place.data.is_dir() and not any(place.data.iterdir())):
        raise ConfigError(
            f"{place.data} is in the way: it is not a PostgreSQL data directory",
            hint="move it, or choose another directory with `embedded:DIRECTORY`",
        )


def _initdb(place: Place, programs: Path, fresh: Path) -> None:
    command = [str(programs / "initdb"), "-D", str(fresh), "-U", probe.USER, "--encoding=UTF8", "--no-sync"]
    command += ["--auth-local=trust", "--auth-host=reject", "--no-instructions"]
    command += ["-c", "timezone=UTC", "-c", "log_timezone=UTC"]
    failed = ""
    # The second for systems whose C library has no C.UTF-8: PostgreSQL's own sorts and folds the same.
    for locale in (
        ["--locale=C.UTF-8"],
        ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
    ):
        failed = _complaint(command + locale, place)
        if "invalid locale name" not in failed:
            break
    if failed:
        nameless = "could not look up effective user ID" in failed
        raise DatabaseUnreachable(
            f"initdb failed for the embedded PostgreSQL in {place.shown}:\n{failed}",
            hint="initdb needs this user to have an entry in /etc/passwd" if nameless else None,
        )


def _complaint(command: list[str], place: Place) -> str:
    """Run one of PostgreSQL's programs; give what it says against it, empty when it succeeded."""
    options = places.run_options(place.account)
    try:
        done = subprocess.run(command, check=False, capture_output=True, timeout=_INIT_SECONDS, **options)
    except subprocess.TimeoutExpired:
        return f"it did not finish in {_INIT_SECONDS:.0f} s"
    said = done.stderr.decode(errors="replace").strip()
    return "" if done.returncode == 0 else said or f"it ended with exit code {done.returncode}"


def _start(place: Place) -> Address:
    _bury(place)
    programs = wheel.server_binaries(place.account)
    _refuse_roots_data(place)
    _refuse_foreign_server(place)
    _remove_leftovers(place)
    _clear_stale(place, probe.read_pid_file(place))
    socket_directory = _make_socket_directory(place)
    log = _open_log(place)
    logged = os.fstat(log).st_size
    lock = places.open_file(place.server_lock, os.O_RDWR)
    try:
        locks.exclude(lock)
        _launch(place, programs, socket_directory, log=log, lock=lock)
    finally:
        os.close(lock)  # closed, never unlocked: from here on the server's processes hold it
        os.close(log)
    found = _settle(place)
    if found is None:
        _remove_socket_directory(socket_directory)
        raise DatabaseUnreachable(
            f"the embedded PostgreSQL in {place.shown} did not start:\n{_log_tail(place, logged)}",
            hint=f"its whole log is {place.log}",
        )
    return found


def _launch(place: Place, programs: Path, socket_directory: Path, *, log: int, lock: int) -> None:
    # Commas and quotes mean something in this setting's list, so the path goes in double quotes.
    listen = '"{}"'.format(str(socket_directory).replace('"', '""'))
    settings = ["listen_addresses=", f"port={probe.PORT}", f"unix_socket_directories={listen}"]
    command = [str(programs / "postgres"), "-D", str(place.data)]
    for setting in (*settings, "unix_socket_permissions=0700"):
        command += ["-c", setting]
    # Not pg_ctl: it puts paths into a shell unescaped and polls in steps of 0.1 s. A session of its own keeps
    # the terminal's Ctrl-C from the server.
    child = subprocess.Popen(
        command,
        stdout=log,
        stderr=log,
        pass_fds=(lock,),
        start_new_session=True,
        **places.run_options(place.account),
    )
    _children[place.data] = child.pid
    child.returncode = 0  # it may outlive us on purpose, and Popen would warn about that


def _bury(place: Place) -> None:
    """Reap a server that was our child: in a container without an init it would stay a zombie for good."""
    pid = _children.pop(place.data, None)
    if pid is None:
        return

    def is_reaped() -> bool:
        try:
            return os.waitpid(pid, os.WNOHANG)[0] == pid
        except ChildProcessError:  # reaped by others, or we were forked from the one that started it
            return True

    locks.wait_until(is_reaped, _BURIAL_SECONDS)


def _settle(place: Place) -> Address | None:
    """Wait until the server answers, or until it is clear that there is none."""
    found: Address | None = None

    def is_settled() -> bool:
        nonlocal found
        found = probe.find(place)
        return found is not None or not is_alive(place)

    if not locks.wait_until(is_settled, _START_SECONDS):
        # Left alone: it may be replaying a long log, and stopping it would make it begin again.
        raise DatabaseUnreachable(
            f"the embedded PostgreSQL in {place.shown} has not answered for {_START_SECONDS:.0f} s"
            f"{named(probe.processes(place))}:\n{_log_tail(place, 0)}",
            hint="it may still be recovering: run again later, or end it with `db stop --force`",
        )
    return found


def _is_gone(place: Place) -> bool:
    return not is_alive(place) and probe.postmaster(place) is None


def _is_orphaned(place: Place) -> bool:
    """Say whether there are server processes and none of them is the postmaster."""
    claimed = probe.read_pid_file(place)
    left = probe.processes(place)
    return bool(left) and probe.postmaster(place) is None and (claimed is None or claimed.pid not in left)


def _targets(place: Place, name: str) -> list[int]:
    """Choose whom to signal: the postmaster, who passes it on; all when it is dead or does not react."""
    listening = probe.postmaster(place)
    left = probe.processes(place)
    if name == "SIGKILL":
        return sorted({*left, *([listening] if listening else [])})
    if listening:
        return [listening]
    claimed = probe.read_pid_file(place)
    return [claimed.pid] if claimed is not None and claimed.pid in left else left


def _refuse_other_major(place: Place) -> None:
    made_by = probe.major(place)
    if made_by != wheel.MAJOR:
        raise ConfigError(
            f"the database in {place.data} was made by PostgreSQL {made_by}, and the installed server is {wheel.MAJOR}",
            hint=f"if it holds nothing you need, delete {place.data} and migrate again; "
            f"otherwise dump it with PostgreSQL {made_by} first, and restore the dump afterwards",
        )


def _refuse_foreign_server(place: Place) -> None:
    """Refuse while a server runs here that holds no lock of ours and listens where we cannot know."""
    # A process that is just ending gives back its locks a moment before its working directory.
    if not locks.wait_until(lambda: not probe.processes(place), _BURIAL_SECONDS):
        raise DatabaseUnreachable(
            f"a PostgreSQL that this tool did not start runs in {place.data}{named(probe.processes(place))}",
            hint="stop it the way it was started",
        )


def _refuse_roots_data(place: Place) -> None:
    if place.account is not None and place.data.stat().st_uid == 0:
        raise DatabaseUnreachable(
            f"{place.data} belongs to root, and PostgreSQL does not run as root",
            hint=f"chown -R {place.account.name} {place.data}",
        )


def _clear_stale(place: Place, claimed: probe.PidFile | None) -> None:
    """Remove what a dead server left: the next refuses to start when the old pid is somebody else's by now.

    Should it not be dead after all, its shared memory still keeps a second one out of the same data.
    """
    if probe.major(place) is None:
        return
    (place.data / "postmaster.pid").unlink(missing_ok=True)
    _remove_socket_directory(probe.own_socket_directory(place))
    # Any other folder is not ours to clean: a server started by hand listens in /tmp, beside others.
    if claimed is not None and claimed.socket_directory.name.startswith(_TEMPORARY):
        _remove_socket_directory(claimed.socket_directory)


def _remove_socket_directory(folder: Path) -> None:
    if folder.is_symlink():  # not made by us; root must not follow it
        return
    for name in (probe.SOCKET, f"{probe.SOCKET}.lock"):
        (folder / name).unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        folder.rmdir()


def _make_socket_directory(place: Place) -> Path:
    """Make a folder that only the server's account can enter: the server asks nobody for a password."""
    folder = probe.own_socket_directory(place)
    if probe.can_hold_socket(folder):
        folder.mkdir(0o700)
    else:
        folder = _temporary_socket_directory(place)
    places.hand_over(folder, place.account)
    return folder


def _temporary_socket_directory(place: Place) -> Path:
    prefix = f"{_TEMPORARY}{hashlib.sha256(os.fsencode(place.home)).hexdigest()[:8]}-"
    # Root's own temporary folder may be closed to the server's account.
    own = Path(tempfile.gettempdir())
    fits = place.account is None and probe.can_hold_socket(own / f"{prefix}xxxxxxxx")
    return Path(tempfile.mkdtemp(prefix=prefix, dir=own if fits else _PUBLIC_TEMPORARY))


def _open_log(place: Place) -> int:
    if place.log.exists() and place.log.stat().st_size > _LOG_ROTATES_AT:
        place.log.replace(_old_log(place))
    return places.open_file(place.log, os.O_WRONLY | os.O_APPEND)


def _old_log(place: Place) -> Path:
    return place.log.with_suffix(".log.1")


def _log_tail(place: Place, start: int) -> str:
    try:
        with place.log.open("rb") as log:
            log.seek(start)
            lines = log.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        lines = []
    return "\n".join(f"  {line}" for line in lines[-_LOG_LINES:]) or "  (it wrote nothing to its log)"
