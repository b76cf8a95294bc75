"""Benchmarks of whole processes, start-up included, each beside its floor in the same interleaved run.

    python scripts/bench.py big-files --mebibytes 64 --runs 3
    python scripts/bench.py message-sizes --mebibytes 64

Figures mean something only as ratios within one run. The floor F1 is one psql that runs the file as one transaction.
By default a PostgreSQL of its own is made from the wheel in a temporary folder and removed; --url names another server,
on this machine, so that the memory of its processes can be read.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from migration_manager import embedded
from migration_manager.sqltext import PIECE

NAME = "20250101_000000_big"
DATABASE = "migration_manager_bench"
# What a run of ours is, with the size of its messages as a parameter of the benchmark.
OURS = """
import sys
from migration_manager.sqltext import statements
statements.stream.__defaults__ = (int(sys.argv.pop(1)),)
from migration_manager.cli import main
main()
"""


@dataclass
class Server:
    """A server that answers on this machine."""

    url: str
    psql: str
    version: str = ""

    @contextmanager
    def fresh_database(self) -> Iterator[str]:
        """Make an empty database; yields its address."""
        name = sql.Identifier(DATABASE)
        with psycopg.connect(self.url, autocommit=True) as connection:
            self.version = f"{connection.info.server_version // 10000}.{connection.info.server_version % 10000}"
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
            connection.execute("CHECKPOINT")
        try:
            yield psycopg.conninfo.make_conninfo(self.url, dbname=DATABASE)
        finally:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@dataclass
class Measured:
    """The runs of one contender: seconds, and the peaks of memory that belongs to a process alone, in MiB."""

    seconds: list[float] = field(default_factory=list)
    client: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)


# ------------------------------------------------------------------------------------------------ files


def write_inserts(path: Path, size: int) -> int:
    """Write one INSERT for each row until the file has the size; returns the rows."""
    with path.open("w", encoding="utf-8") as file:
        file.write("CREATE TABLE big (id bigint, name text, note text, amount numeric);\n")
        return _fill(
            file.write,
            size,
            lambda n: (
                f"INSERT INTO big (id, name, note, amount) VALUES ({n}, 'name {n % 977}', "
                f"'it''s a note; with -- things {n * 7919 % 1000003}', {n % 100}.{n % 10});\n"
            ),
        )


def write_copy(path: Path, size: int) -> int:
    """Write the same rows as the data of one COPY; returns the rows."""
    with path.open("w", encoding="utf-8") as file:
        file.write("CREATE TABLE big (id bigint, name text, note text, amount numeric);\n")
        file.write("COPY big (id, name, note, amount) FROM stdin;\n")
        rows = _fill(
            file.write,
            size,
            lambda n: f"{n}\tname {n % 977}\tit's a note; with -- things {n * 7919 % 1000003}\t{n % 100}.{n % 10}\n",
        )
        file.write("\\.\n")
        return rows


def _fill(write: Callable[[str], object], size: int, row: Callable[[int], str]) -> int:
    written = number = 0
    while written < size:
        lines = "".join(row(number + more) for more in range(1, 1001))
        number += 1000
        written += len(lines)
        write(lines)
    return number


# ------------------------------------------------------------------------------------------------- runs


def run(command: list[str], database: str, folder: Path, rows: int) -> tuple[float, float, float]:
    """Run a command; return its seconds, and the peak MiB of it and of the server's process that works for it."""
    peak = Peak(database)
    with peak:
        began = time.perf_counter()
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as child:
            peak.client_pid = child.pid
            _, errors = child.communicate()
        seconds = time.perf_counter() - began
    if child.returncode:
        sys.exit(f"{command[0]} failed:\n{errors.decode()}")
    with psycopg.connect(database) as connection:
        found = connection.execute("SELECT count(*) FROM big").fetchone()
    if found != (rows,):
        sys.exit(f"{command[0]} left {found} rows of {rows}")
    return seconds, peak.client, peak.server


class Peak(threading.Thread):
    """Watches the memory of a client and of the server's process that works for it: what is theirs alone (RssAnon)."""

    def __init__(self, database: str) -> None:
        super().__init__(daemon=True)
        self._database = database
        self._over = threading.Event()
        self.client_pid = 0
        self.client = 0.0
        self.server = 0.0

    def run(self) -> None:
        with psycopg.connect(self._database, autocommit=True) as connection:
            ask = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            while not self._over.wait(0.05):
                self.client = max(self.client, _own_memory(self.client_pid))
                for (pid,) in connection.execute(ask):
                    self.server = max(self.server, _own_memory(pid))

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()


def _own_memory(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("RssAnon:")]
    return int(found[0]) / 1024 if found else 0.0


def psql(server: Server, folder: Path, path: Path, rows: int) -> tuple[float, float, float]:
    with server.fresh_database() as database:
        options = ["-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f", str(path), database]
        return run([server.psql, *options], database, folder, rows)


def ours(server: Server, folder: Path, path: Path, rows: int, size: int = PIECE) -> tuple[float, float, float]:
    project = folder / "project" / "migrations"
    project.mkdir(parents=True, exist_ok=True)
    for old in project.iterdir():
        old.unlink()
    os.link(path, project / f"{NAME}.sql")
    with server.fresh_database() as database:
        parts = psycopg.conninfo.conninfo_to_dict(database)
        command = [sys.executable, "-c", OURS, str(size), "migrate", "--url", _as_url(parts)]
        return run(command, database, project.parent, rows)


def _as_url(parts: Mapping[str, object]) -> str:
    query = "&".join(f"{key}={str(value).replace('/', '%2F')}" for key, value in parts.items() if key != "dbname")
    return f"postgresql:///{parts['dbname']}?{query}"


# --------------------------------------------------------------------------------------------- workloads


def big_files(server: Server, folder: Path, mebibytes: int, runs: int) -> list[dict[str, object]]:
    """One file of INSERTs and one of COPY rows, by psql and by us in turn."""
    table = []
    for what, write in (("INSERT", write_inserts), ("COPY", write_copy)):
        path = folder / f"{what}.sql"
        rows = write(path, mebibytes * 1024 * 1024)
        floor, measured = Measured(), Measured()
        for _ in range(runs):
            _note(floor, psql(server, folder, path, rows))
            _note(measured, ours(server, folder, path, rows))
        path.unlink()
        table += [_line(f"{what}, {mebibytes} MiB, {rows:,} rows", name, found, floor) for name, found in (
            ("psql -1 (F1)", floor), ("migration_manager", measured)
        )]  # fmt: skip
    return table


def message_sizes(server: Server, folder: Path, mebibytes: int, runs: int) -> list[dict[str, object]]:
    """Run the same INSERTs by us, in messages of several sizes."""
    path = folder / "INSERT.sql"
    rows = write_inserts(path, mebibytes * 1024 * 1024)
    sizes = [2**power for power in range(12, 25, 2)]
    found = {size: Measured() for size in sizes}
    for _ in range(runs):
        for size in sizes:
            _note(found[size], ours(server, folder, path, rows, size))
    workload = f"INSERT, {mebibytes} MiB"
    return [_line(workload, f"messages of {size // 1024} KiB", found[size], found[PIECE]) for size in sizes]


def _note(measured: Measured, values: tuple[float, float, float]) -> None:
    measured.seconds.append(values[0])
    measured.client.append(values[1])
    measured.server.append(values[2])
    print(".", end="", file=sys.stderr, flush=True)


def _line(workload: str, contender: str, measured: Measured, floor: Measured) -> dict[str, object]:
    ratios = [one / other for one, other in zip(measured.seconds, floor.seconds, strict=True)]
    return {
        "workload": workload,
        "contender": contender,
        "seconds": [round(value, 2) for value in measured.seconds],
        "ratio": round(statistics.median(ratios), 3),
        "client_mib": round(max(measured.client), 1),
        "server_mib": round(max(measured.server), 1),
    }


# ------------------------------------------------------------------------------------------------ output


def as_markdown(result: dict[str, object], table: list[dict[str, object]]) -> str:
    about = ", ".join(f"{key} {value}" for key, value in result.items() if key != "table")
    head = "| workload | contender | seconds | of the floor | client, MiB | server process, MiB |\n"
    head += "|---|---|---|---|---|---|\n"
    lines = (
        f"| {row['workload']} | {row['contender']} | {', '.join(map(str, _listed(row['seconds'])))} | {row['ratio']} "
        f"| {row['client_mib']} | {row['server_mib']} |\n"
        for row in table
    )
    return f"{about}\n\n{head}{''.join(lines)}"


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


@contextmanager
def the_server(url: str | None, folder: Path) -> Iterator[Server]:
    if url is not None:
        yield Server(url, shutil.which("psql") or sys.exit("there is no psql on the path"))
        return
    with embedded.running(folder / "server") as address:
        yield Server(psycopg.conninfo.make_conninfo(**address.conninfo), str(embedded.binaries() / "psql"))
    embedded.destroy(folder / "server")


def main() -> None:
    """Run one workload and print its table, as markdown and, with --json FILE, as a document."""
    workloads = {"big-files": big_files, "message-sizes": message_sizes}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", choices=workloads)
    parser.add_argument("--mebibytes", type=int, default=64, help="size of the generated files")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--url", help="a server on this machine, instead of one from the wheel")
    parser.add_argument("--json", type=Path, metavar="FILE")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench") as place, the_server(asked.url, Path(place)) as server:
        table = workloads[asked.workload](server, Path(place), asked.mebibytes, asked.runs)
        result: dict[str, object] = {
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "PostgreSQL": server.version,
            "Python": platform.python_version(),
            "psycopg": psycopg.__version__,
            "cores": os.cpu_count(),
            "table": table,
        }
    print(file=sys.stderr)
    print(as_markdown(result, table))
    if asked.json is not None:
        asked.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
