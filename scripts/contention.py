"""How long clients of a busy table wait for ALTERs that are tried again: `python scripts/contention.py --help`.

Fifty clients of pgbench use a table while migrations change it one by one and, every now and then, a report holds its
transaction open on it, so that the migrations have to come back. What a client waited for a lock is taken from the
server's own log (`log_lock_waits`): pgbench's latencies, which are shown beside, also hold what the machine adds. A run
without ALTERs is the control; one with a plain ALTER that nothing bounds must show the stall, or the measure is blind.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from migration_manager import embedded  # noqa: E402

TABLE = "pgbench_accounts"
SLACK = 50.0  # milliseconds over lock_timeout that a client may wait: the ALTER itself, and its COMMIT
_WAITED = re.compile(r"process (\d+) acquired \w+ on \w+ .*after ([0-9.]+) ms")
_BY = "app=([^ ]*) "


@dataclass(frozen=True)
class Measured:
    """What one round came to; times are milliseconds."""

    name: str
    alters: int
    tries: int
    transactions: int
    waits: tuple[float, ...]  # of clients for a lock on the table, at least 10 ms each
    latencies: tuple[float, ...]

    @property
    def longest(self) -> float:
        return max(self.waits, default=0.0)

    def row(self) -> str:
        worst = sorted(self.latencies)
        cells = (
            self.name, self.alters, self.tries, f"{self.transactions:,}", len(self.waits), f"{self.longest:.0f}",
            f"{_at(worst, 0.5):.1f}", f"{_at(worst, 0.99):.0f}", f"{worst[-1] if worst else 0:.0f}",
        )  # fmt: skip
        return "| " + " | ".join(map(str, cells)) + " |"


HEAD = """\
| round | ALTERs | tries | client transactions | lock waits | longest, ms | latency: median, ms | 99 %, ms | worst, ms |
|---|---|---|---|---|---|---|---|---|"""


class Arena:
    """A server with pgbench's tables, its log, and those who use it."""

    def __init__(self, folder: Path, address: dict[str, str], seed: int, clients: int, rate: int) -> None:
        self.folder = folder
        self.address = address
        self.random = random.Random(seed)  # noqa: S311 - a repeatable choice, no secret
        self.clients = clients
        self.rate = rate
        self.log = Path()

    def connect(self, application: str) -> psycopg.Connection:
        return psycopg.connect("", autocommit=True, application_name=application, **self.address)  # type: ignore[arg-type]

    def prepare(self) -> None:
        """Make pgbench's tables, and have the server log every wait of ten milliseconds or more."""
        with self.connect("set-up") as connection:
            for name, value in {
                "logging_collector": "on", "log_directory": "log", "log_filename": "server.log",
                "log_lock_waits": "on", "deadlock_timeout": "10ms", "log_line_prefix": "app=%a ",
                "max_connections": str(self.clients + 30), "fsync": "off", "lc_messages": "C",
            }.items():  # fmt: skip
                connection.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
            (directory,) = connection.execute("SHOW data_directory").fetchone() or ("",)
            self.log = Path(directory) / "log" / "server.log"
        self._pgbench("-i", "-q", "-s", "5")

    def _pgbench(self, *arguments: str) -> None:
        program = [str(embedded.binaries() / "pgbench"), *arguments]
        environment = {
            **os.environ, "PGHOST": self.address["host"], "PGPORT": self.address["port"],
            "PGUSER": self.address["user"], "PGDATABASE": self.address["dbname"],
        }  # fmt: skip
        subprocess.run(program, env=environment, check=True, capture_output=True, cwd=self.folder)

    @contextmanager
    def crowd(self, seconds: int, prefix: str) -> Iterator[None]:
        """Have all clients at work for so long."""
        thread = threading.Thread(
            target=self._pgbench,
            args=(
                "-n", "-c", str(self.clients), "-j", "2", "-T", str(seconds), "-R", str(self.rate), "-l",
                "--log-prefix", prefix,
            ),
        )  # fmt: skip
        thread.start()
        until = time.monotonic() + 60
        with self.connect("set-up") as connection:
            while time.monotonic() < until:
                query = b"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench'"
                row = connection.execute(query).fetchone()
                if row and row[0] >= self.clients:
                    break
                time.sleep(0.05)
        try:
            yield
        finally:
            thread.join()

    @contextmanager
    def reports(self, hold: float) -> Iterator[None]:
        """Have somebody who reads the table and keeps the transaction open, again and again."""
        stop = threading.Event()

        def read() -> None:
            with self.connect("report") as connection:
                while not stop.wait(self.random.uniform(0.05, 0.15)):
                    connection.execute("BEGIN")
                    connection.execute(f"SELECT 1 FROM {TABLE} LIMIT 1".encode())
                    stop.wait(self.random.uniform(hold / 2, hold))
                    connection.execute("COMMIT")

        thread = threading.Thread(target=read)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def waits_since(self, offset: int) -> tuple[float, ...]:
        """Return how long clients waited for locks since then, as the server logged it."""
        with self.log.open("rb") as log:
            log.seek(offset)
            lines = log.read().decode(errors="replace").splitlines()
        relation = [line for line in lines if line.startswith("app=pgbench ") and " on relation " in line]
        return tuple(float(found[2]) for line in relation if (found := _WAITED.search(line)))

    def latencies(self, prefix: str) -> tuple[float, ...]:
        """Return the latencies of all transactions of a round, without what they waited for their turn."""
        found = []
        for path in self.folder.glob(f"{prefix}.*"):
            for line in path.read_text().splitlines():
                _, _, took, _, _, _, lag = line.split()[:7]
                found.append((int(took) - int(lag)) / 1000)
        return tuple(found)


def measure(arena: Arena, name: str, work: Work, *, seconds: int, hold: float) -> Measured:
    """Have the clients at work while something is done to their table."""
    offset = arena.log.stat().st_size
    prefix = re.sub(r"\W+", "_", name)
    with arena.crowd(seconds, prefix), arena.reports(hold):
        alters, tries = work(time.monotonic() + seconds - 2)
    latencies = arena.latencies(prefix)
    return Measured(name, alters, tries, len(latencies), arena.waits_since(offset), latencies)


class Work:
    """Something that is done to the table until a moment; answers how many ALTERs went in, and in how many tries."""

    def __call__(self, until: float) -> tuple[int, int]:
        return 0, 0


class Plainly(Work):
    """An ALTER that nothing bounds."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena

    def __call__(self, until: float) -> tuple[int, int]:
        count = 0
        with self.arena.connect("plain ALTER") as connection:
            while time.monotonic() < until and count < 10:
                for change in ("ADD plain integer", "DROP plain"):
                    connection.execute(f"ALTER TABLE {TABLE} {change}".encode())
                    count += 1
                time.sleep(0.3)
        return count, count


class Migrations(Work):
    """So many migrations of one ALTER each, by the command line, with retries."""

    def __init__(self, arena: Arena, alters: int, lock_timeout: int) -> None:
        self.arena = arena
        self.alters = alters
        self.lock_timeout = lock_timeout

    def __call__(self, until: float) -> tuple[int, int]:
        folder = self.arena.folder / "project" / "migrations"
        folder.mkdir(parents=True)
        for number in range(self.alters):
            path = folder / f"{number + 1:04}_alter.sql"
            path.write_text(f"ALTER TABLE {TABLE} ADD c{number} integer;\n")
        address = self.arena.address
        environment = {
            **os.environ, "PYTHONPATH": str(REPOSITORY), "PGHOST": address["host"], "PGPORT": address["port"],
            "MIGRATION_MANAGER_URL": f"postgresql:///{address['dbname']}?user={address['user']}",
            "MIGRATION_MANAGER_LOCK_TIMEOUT": f"{self.lock_timeout}ms", "MIGRATION_MANAGER_LOCK_RETRIES": "1000",
        }  # fmt: skip
        program = [sys.executable, "-m", "migration_manager", "migrate", "--json"]
        ended = subprocess.run(
            program, env=environment, cwd=folder.parent, capture_output=True, text=True, check=False,
            timeout=max(10.0, until - time.monotonic() + 600),
        )  # fmt: skip
        if ended.returncode:
            raise SystemExit(f"the migrations failed with {ended.returncode}:\n{ended.stderr}")
        done = json.loads(ended.stdout)["done"]
        return len(done), sum(task["tries"] for task in done)


def _at(values: Sequence[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def main(arguments: Sequence[str]) -> int:
    """Run all three rounds and print the table; 1 when a client waited too long, or the measure was blind."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--rate", type=int, default=300, help="transactions a second of all clients together")
    parser.add_argument("--alters", type=int, default=100)
    parser.add_argument("--lock-timeout", type=int, default=200, metavar="MS")
    parser.add_argument("--hold", type=float, default=1.5, metavar="S", help="how long a report holds its transaction")
    parser.add_argument("--seconds", type=int, default=60, help="how long the clients of one round are at work")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="contention-") as name:
        folder = Path(name)
        embedded_at = folder / "server"
        try:
            rounds = _rounds(folder, embedded_at, given)
        finally:
            embedded.destroy(embedded_at, force=True)
    now, python = datetime.now(UTC), sys.version.split()[0]
    print(f"date {now:%Y-%m-%d}, Python {python}, cores {os.cpu_count()}, seed {given.seed}, {given.clients} clients")
    print(f"at {given.rate} transactions a second, lock_timeout {given.lock_timeout} ms, reports of {given.hold} s\n")
    print(HEAD)
    for measured in rounds:
        print(measured.row())
    control, with_retries = rounds[1], rounds[2]
    limit = given.lock_timeout + SLACK
    is_blind, is_late = control.longest <= limit, with_retries.longest > limit
    print(f"\nlongest wait {with_retries.longest:.0f} ms, at most {limit:.0f} ms: {'MISSED' if is_late else 'kept'}")
    if is_blind:
        print("the plain ALTER stalled nobody either: this run shows nothing")
    return int(is_late or is_blind)


def _rounds(folder: Path, server: Path, given: argparse.Namespace) -> list[Measured]:
    with embedded.running(server) as address:
        place = {
            "host": address.socket_directory, "port": str(address.port), "user": address.user,
            "dbname": address.database,
        }  # fmt: skip
        arena = Arena(folder, place, given.seed, given.clients, given.rate)
        arena.prepare()
    # Started anew: the collector of the log, and the number of connections, are settled at the start.
    with embedded.running(server) as address:
        arena.address = {**place, "host": address.socket_directory, "port": str(address.port)}
        seconds, hold = given.seconds, given.hold
        return [
            measure(arena, "nothing", Work(), seconds=min(seconds, 20), hold=hold),
            measure(arena, "plain ALTER, no timeout", Plainly(arena), seconds=min(seconds, 20), hold=hold),
            measure(
                arena, "migrations with retries", Migrations(arena, given.alters, given.lock_timeout),
                seconds=seconds, hold=hold,
            ),
        ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
