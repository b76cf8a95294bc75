"""Look at a cluster and say what is true of its server: whether it answers, where, which processes it has.

Nothing here believes a pid file: a pid may be stale, a zombie's, or another program's by now. Whether a
server runs is asked on its socket, and whose socket it is, of the kernel. Nothing here writes.
"""

from __future__ import annotations

import hashlib
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from migration_manager.embedded.places import Place

USER = "postgres"
DATABASE = "postgres"
PORT = 5432  # only the name of the socket's file; nothing listens on TCP
SOCKET = f".s.PGSQL.{PORT}"

# sun_path less its final NUL
_LONGEST_SOCKET = 103 if sys.platform == "darwin" else 107
_ANSWER_SECONDS = 5.0
# What libpq would otherwise take from the environment: PGHOSTADDR even wins over `host`.
_SETTLED = {
    "hostaddr": "",
    "channel_binding": "prefer",
    "gssencmode": "disable",
    "target_session_attrs": "any",
}


@dataclass(frozen=True, slots=True)
class Address:
    """What a client needs to connect. No password: the socket's folder is closed to others instead."""

    socket_directory: str
    port: int = PORT
    user: str = USER
    database: str = DATABASE

    @property
    def conninfo(self) -> dict[str, str]:
        """The keywords for `psycopg.connect`; no PG* variable leads them to another server."""
        return {
            **_SETTLED,
            "host": self.socket_directory,
            "port": str(self.port),
            "user": self.user,
            "dbname": self.database,
        }

    @property
    def url(self) -> str:
        host = quote(os.fsencode(self.socket_directory), safe="")
        return f"postgresql://{self.user}@/{self.database}?host={host}&port={self.port}"


@dataclass(frozen=True, slots=True)
class PidFile:
    """What postmaster.pid claims. A copied or restored directory has a copy of it, so it proves nothing."""

    pid: int
    data: str
    socket_directory: Path
    status: str


def major(place: Place) -> str | None:
    """Say which major version made the cluster, None when there is none."""
    try:
        return (place.data / "PG_VERSION").read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return None


def find(place: Place) -> Address | None:
    """Say where the server answers, None when it does not."""
    claimed = read_pid_file(place)
    if claimed is not None and claimed.status != "ready":
        return None  # starting or stopping; asking now would only fill its log
    for folder in _socket_directories(place):
        if _answers(folder):
            return Address(str(folder))
    return None


def postmaster(place: Place) -> int | None:
    """Ask the kernel which process listens on the socket."""
    for folder in _socket_directories(place):
        connection = _connect(folder)
        if connection is not None:
            with connection:
                return _peer(connection)
    return None


def processes(place: Place) -> list[int]:
    """List the server's processes, told by their working directory; empty where there is no /proc."""
    data = str(place.data)
    return sorted(int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _is_server(entry, data))


def named(pids: list[int]) -> str:
    """Put pids into a sentence."""
    return f" (process {', '.join(str(pid) for pid in pids)})" if pids else ""


def read_pid_file(place: Place) -> PidFile | None:
    try:
        text = os.fsdecode((place.data / "postmaster.pid").read_bytes())
        lines = text.split("\n") + 8 * [""]  # a server that is just starting has not written all of it
        return PidFile(int(lines[0]), lines[1], Path(lines[4]), lines[7].strip())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def own_socket_directory(place: Place) -> Path:
    """Say where the socket of an existing cluster goes when the path is short enough."""
    # Named for the cluster: a server whose directory was deleted under it removes its socket by path when it
    # notices, a minute later, and that must not be the socket of the next one.
    with (place.data / "global" / "pg_control").open("rb") as control:
        identity = control.read(8)  # it begins with the system identifier
    return place.home / f"socket-{hashlib.sha256(identity).hexdigest()[:6]}"


def can_hold_socket(folder: Path) -> bool:
    # libpq ends a host at a comma, and PostgreSQL's pid file its lines at a newline
    return len(os.fsencode(folder / SOCKET)) <= _LONGEST_SOCKET and not set(",\n") & set(str(folder))


def _socket_directories(place: Place) -> Iterator[Path]:
    """List where the server may listen: in its home, or, for long paths, where its pid file says."""
    if major(place) is None:
        return
    own = own_socket_directory(place)
    if can_hold_socket(own):
        yield own
    claimed = read_pid_file(place)
    # A copy of a running server's directory claims the original's socket, which is another database.
    if claimed is not None and claimed.data == str(place.data) and claimed.socket_directory != own:
        yield claimed.socket_directory


def _connect(folder: Path) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_ANSWER_SECONDS)
    try:
        connection.connect(str(folder / SOCKET))
    except OSError:
        connection.close()
        return None
    return connection


def _peer(connection: socket.socket) -> int | None:
    if sys.platform == "linux":
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid: int = struct.unpack("3i", credentials)[0]
    else:
        pid = connection.getsockopt(0, 2)  # SOL_LOCAL, LOCAL_PEERPID of macOS, which Python has no names for
    return pid or None  # 0: in a container of its own, invisible from here


def _answers(folder: Path) -> bool:
    """Log in by hand: psycopg would bring the user's PG* settings into it, and its start-up time."""
    connection = _connect(folder)
    if connection is None:
        return False
    fields = f"user\0{USER}\0database\0{DATABASE}\0application_name\0migration_manager\0\0".encode()
    try:
        with connection, connection.makefile("rb") as replies:
            connection.sendall(struct.pack("!ii", len(fields) + 8, 196608) + fields)  # protocol 3.0
            served = _is_served(iter(lambda: _read_message(replies.read), (b"", b"")))
            if served:
                connection.sendall(b"X\0\0\0\4")  # Terminate, so that nothing about us is logged
            return served
    except OSError:
        return False


def _read_message(read: Callable[[int], bytes]) -> tuple[bytes, bytes]:
    head = read(5)
    if len(head) < 5:
        return b"", b""
    return head[:1], read(struct.unpack("!i", head[1:])[0] - 4)


def _is_served(messages: Iterator[tuple[bytes, bytes]]) -> bool:
    for kind, body in messages:
        if kind == b"E":
            # cannot_connect_now, admin and crash shutdown; any other refusal comes from a server that is up
            return not any(field in body for field in (b"C57P03\0", b"C57P01\0", b"C57P02\0"))
        if kind == b"Z" or (kind == b"R" and body != b"\0\0\0\0"):  # ready, or it wants a password by now
            return True
    return False


def _is_server(entry: Path, data: str) -> bool:
    # The server's processes work in the data directory; a zombie has no working directory any more.
    try:
        return str((entry / "cwd").readlink()) == data and (entry / "comm").read_text() == "postgres\n"
    except OSError:  # gone meanwhile, or somebody else's
        return False
