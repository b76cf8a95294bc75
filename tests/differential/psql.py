"""psql as a reference: which queries it cuts out of files, read from the wire between it and a real server."""

from __future__ import annotations

import os
import secrets
import select
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql

from tests.fixtures.postgres import Database
from tests.fixtures.programs import program

_NEXT_FILE = "/* the next file */"
_SECONDS = 120


@dataclass
class Sent:
    """What psql sent for one file: its queries in order, and all rows of its COPYs together."""

    queries: list[str] = field(default_factory=list)
    rows: str = ""


@contextmanager
def powerless(database: Database) -> Iterator[Database]:
    """Give the same database for a role that may do nothing: what is generated could drop or write anything."""
    name, password = f"test_{secrets.token_hex(6)}", secrets.token_hex(12)
    role = sql.Identifier(name)
    with database.connect() as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password)))
        connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    try:
        yield Database({**database.conninfo, "user": name, "password": password})
    finally:
        with database.connect() as connection:
            connection.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(role))


def run_files(database: Database, texts: Sequence[str]) -> list[Sent]:
    """Have psql run the texts as files, each on a fresh session state, and return what it sent for each.

    Whether a statement succeeds does not matter to psql, with two exceptions that it learns from the server: how
    strings are read, and that a COPY waits for rows.
    """
    with tempfile.TemporaryDirectory(prefix="psql") as folder, _Wire(database.conninfo, Path(folder)) as wire:
        command = [program("psql"), "--no-psqlrc", "--no-password", "--quiet", "--set=ON_ERROR_STOP=off"]
        for number, text in enumerate(texts):
            path = Path(folder, f"{number}.sql")
            path.write_bytes(text.encode())
            command += ["-c", _NEXT_FILE, "-c", "ROLLBACK", "-c", "DISCARD ALL", "-c", _NEXT_FILE, "-f", str(path)]
        told = subprocess.run(
            command,
            env={**os.environ, **_environment(database.conninfo, folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_SECONDS,
            check=False,
        )
    assert told.returncode in (0, 1, 3), told.stderr[-2000:]  # 2: the connection is lost
    sent = _by_file(wire.messages)
    assert len(sent) == len(texts), told.stderr[-2000:]
    return sent


def _environment(conninfo: Mapping[str, str], folder: str) -> dict[str, str]:
    return {
        "PGHOST": folder,
        "PGPORT": "5432",
        "PGUSER": conninfo["user"],
        "PGDATABASE": conninfo["dbname"],
        "PGPASSWORD": conninfo.get("password", ""),
        "PGSSLMODE": "disable",
        "PGGSSENCMODE": "disable",
        "PGCLIENTENCODING": "UTF8",
        "PGOPTIONS": "-c statement_timeout=2s",
    }


def _by_file(messages: Sequence[tuple[str, str]]) -> list[Sent]:
    found: list[Sent] = []
    between = False
    for kind, text in messages:
        if (kind, text) == ("Q", _NEXT_FILE):
            between = not between
            if not between:
                found.append(Sent())
        elif kind == "Q" and not between:
            found[-1].queries.append(text)
        elif kind == "d":
            found[-1].rows += text
    return found


class _Wire:
    """Stands between one psql and the server, passes everything on, and keeps the queries and rows of the client."""

    def __init__(self, conninfo: Mapping[str, str], folder: Path) -> None:
        self.messages: list[tuple[str, str]] = []
        self._server = dict(conninfo)
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(folder / ".s.PGSQL.5432"))
        self._listening.listen(1)
        self._listening.settimeout(_SECONDS)
        self._thread = threading.Thread(target=self._pass_on, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(timeout=10)
        self._listening.close()

    def _pass_on(self) -> None:
        client, _ = self._listening.accept()
        with client, self._connect() as server:
            heard = bytearray()
            started = False
            while True:
                ready, _, _ = select.select([client, server], [], [], _SECONDS)
                for source, sink in ((client, server), (server, client)):
                    if source not in ready:
                        continue
                    data = source.recv(1 << 16)
                    if not data:
                        return
                    if source is client:
                        heard += data
                        started = self._listen(heard, started=started)
                    sink.sendall(data)
                if not ready:
                    return

    def _listen(self, heard: bytearray, *, started: bool) -> bool:
        """Take whole messages off what was heard (manual 54.7): the first one has a length and no kind."""
        while len(heard) >= 5:
            kind = chr(heard[0]) if started else ""
            length = int.from_bytes(heard[len(kind) : len(kind) + 4]) + len(kind)
            if len(heard) < length:
                break
            if kind in ("Q", "d"):
                self.messages.append((kind, bytes(heard[5:length]).decode().rstrip("\0" if kind == "Q" else "")))
            del heard[:length]
            started = True
        return started

    def _connect(self) -> socket.socket:
        host, port = self._server.get("host", ""), self._server.get("port", "5432")
        if host.startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{host}/.s.PGSQL.{port}")
            return server
        return socket.create_connection((host, int(port)), timeout=_SECONDS)


def server_version(database: Database) -> int:
    with psycopg.connect(**database.conninfo) as connection:  # type: ignore[arg-type]
        return connection.info.server_version
