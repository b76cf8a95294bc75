"""How long `prove` takes for a folder of migrations, and reading a catalog of a thousand tables, beside their floors.

    python scripts/proof.py --migrations 300 --runs 3 --tables 1000

`prove` is a whole process, start-up included, with its scratch server running already. Its floor is psql that runs the
same scripts in the same order (up, down, up again, each in a transaction of its own) in one session on the same server,
and compares nothing. The catalog's floor is pg_dump of the same schema.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from migration_manager import embedded
from migration_manager.engines.base import SessionSettings
from migration_manager.engines.postgres import open_postgres

SCRATCH = "migration_manager_proof_floor"


def write_folder(folder: Path, count: int) -> list[str]:
    """Write a folder as a project of some years has it; return the names."""
    folder.mkdir(parents=True)
    names, tables = [], 0
    for number in range(1, count + 1):
        kind = number % 6
        if kind == 1:
            tables += 1
            parent = f"REFERENCES t{tables - 1} (id)" if tables > 1 else ""
            up = (
                f"CREATE TABLE t{tables} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL,"
                " email text UNIQUE, amount numeric(10, 2) DEFAULT 0 CHECK (amount >= 0),"
                f" created_at timestamptz NOT NULL DEFAULT now(), parent_id bigint {parent});"
            )
            down = f"DROP TABLE t{tables};"
        elif kind == 2:
            up = f"ALTER TABLE t{tables} ADD COLUMN c{number} text; CREATE INDEX i{number} ON t{tables} (c{number});"
            down = f"ALTER TABLE t{tables} DROP COLUMN c{number};"
        elif kind == 3:
            up = f"CREATE VIEW v{number} AS SELECT id, name FROM t{tables} WHERE amount > {number};"
            down = f"DROP VIEW v{number};"
        elif kind == 4:
            up = f"CREATE FUNCTION f{number}(n integer) RETURNS integer LANGUAGE sql AS 'SELECT n + {number}';"
            down = f"DROP FUNCTION f{number}(integer);"
        elif kind == 5:
            check = f"ADD CONSTRAINT k{number} CHECK (length(name) < {number + 100})"
            up, down = f"ALTER TABLE t{tables} {check};", f"ALTER TABLE t{tables} DROP CONSTRAINT k{number};"
        else:
            up = f"INSERT INTO t{tables} (name, email) SELECT n, n FROM generate_series(1, 20) n;"
            down = f"DELETE FROM t{tables} WHERE name ~ '^[0-9]+$';"
        name = f"{number:05}_step"
        (folder / f"{name}.sql").write_text(f"{up}\n", encoding="utf-8")
        (folder / f"{name}_rollback.sql").write_text(f"{down}\n", encoding="utf-8")
        names.append(name)
    return names


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class Bench:
    """A server of its own, in a temporary folder."""

    def __init__(self, address: embedded.Address, root: Path) -> None:
        self.address = address
        self.root = root
        self.environment = {**os.environ, "MIGRATION_MANAGER_SCRATCH_URL": f"{address.url}"}

    def prove(self) -> None:
        command = [sys.executable, "-m", "migration_manager", "prove", "--quiet"]
        subprocess.run(command, cwd=self.root, env=self.environment, check=True)

    def floor(self, script: Path) -> None:
        psql = [str(embedded.binaries() / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-o", os.devnull]
        url = psycopg.conninfo.make_conninfo("", **{**self.address.conninfo, "dbname": SCRATCH})
        with psycopg.connect(
            psycopg.conninfo.make_conninfo("", **self.address.conninfo), autocommit=True
        ) as connection:
            connection.execute(f"CREATE DATABASE {SCRATCH}")
            try:
                subprocess.run([*psql, "-d", url, "-f", str(script)], check=True)
            finally:
                connection.execute(f"DROP DATABASE {SCRATCH} WITH (FORCE)")

    def clone(self, script: Path) -> float:
        """Return the seconds for a copy of the database as all migrations leave it, opened and dropped: the median."""
        psql = [str(embedded.binaries() / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-o", os.devnull]
        where = {**self.address.conninfo, "dbname": SCRATCH}
        seconds = []
        with psycopg.connect(
            psycopg.conninfo.make_conninfo("", **self.address.conninfo), autocommit=True
        ) as connection:
            connection.execute(f"CREATE DATABASE {SCRATCH}")
            subprocess.run([*psql, "-d", psycopg.conninfo.make_conninfo("", **where), "-f", str(script)], check=True)
            for _ in range(9):
                began = time.perf_counter()
                connection.execute(f"CREATE DATABASE {SCRATCH}_copy TEMPLATE {SCRATCH}")
                psycopg.connect(psycopg.conninfo.make_conninfo("", **{**where, "dbname": f"{SCRATCH}_copy"})).close()
                connection.execute(f"DROP DATABASE {SCRATCH}_copy WITH (FORCE)")
                seconds.append(time.perf_counter() - began)
            connection.execute(f"DROP DATABASE {SCRATCH} WITH (FORCE)")
        return statistics.median(seconds)

    def catalog(self, tables: int) -> tuple[float, float, float, int]:
        """Return the seconds of the first and of a later reading, of pg_dump, and how many objects there are."""
        with psycopg.connect(
            psycopg.conninfo.make_conninfo("", **self.address.conninfo), autocommit=True
        ) as connection:
            connection.execute(f"CREATE DATABASE {SCRATCH}")
        where = {**self.address.conninfo, "dbname": SCRATCH}
        with psycopg.connect(psycopg.conninfo.make_conninfo("", **where), autocommit=True) as connection:
            for number in range(tables):
                connection.execute(
                    f"CREATE TABLE t{number} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL,"
                    " email varchar(100) UNIQUE, amount numeric(10, 2) CHECK (amount > 0), created timestamptz,"
                    " a integer, b integer, c integer, d text, e text)".encode()
                )
                connection.execute(f"CREATE INDEX ON t{number} (name)".encode())
        with open_postgres(where, SessionSettings()) as engine:
            first = timed(engine.catalog)
            engine.catalog()
            later = timed(engine.catalog)
            objects = len(engine.catalog())
        url = psycopg.conninfo.make_conninfo("", **where)
        dump = [str(embedded.binaries() / "pg_dump"), "--schema-only", "-f", os.devnull, "-d", url]
        floor = timed(lambda: subprocess.run(dump, check=True))
        return first, later, floor, objects


def main() -> None:
    """Run the benchmark and print its results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--migrations", type=int, default=300)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--tables", type=int, default=1000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        names = write_folder(root / "migrations", asked.migrations)
        script = root / "floor.sql"
        texts = {path.stem: path.read_text(encoding="utf-8") for path in (root / "migrations").glob("*.sql")}
        steps = (part for name in names for part in (texts[name], texts[f"{name}_rollback"], texts[name]))
        script.write_text("".join(f"BEGIN;\n{text}COMMIT;\n" for text in steps), encoding="utf-8")
        with embedded.running(Path(folder) / "server") as address:
            bench = Bench(address, root)
            bench.prove()  # the first one makes the server fast, and everything warm
            proofs, floors = [], []
            for _ in range(asked.runs):
                proofs.append(timed(bench.prove))
                floors.append(timed(lambda: bench.floor(script)))
            copy = bench.clone(script)
            first, later, dump, objects = bench.catalog(asked.tables)
    print(f"date {datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {os.cpu_count()} cores\n")
    print("| what | seconds (median, least to most) | each |")
    print("|---|---|---|")
    for what, seconds in ((f"prove, {asked.migrations} migrations", proofs), ("floor: psql, nothing compared", floors)):
        middle = statistics.median(seconds)
        spread = f"{middle:.1f} ({min(seconds):.1f} to {max(seconds):.1f})"
        print(f"| {what} | {spread} | {middle / asked.migrations * 1000:.0f} ms |")
    print(f"\nratio {statistics.median(proofs) / statistics.median(floors):.1f}\n")
    print(f"a copy of that database (CREATE DATABASE … TEMPLATE), opened and dropped: {copy * 1000:.0f} ms\n")
    print(f"catalog of {asked.tables} tables, {objects:,} objects: {first * 1000:.0f} ms the first time,")
    print(f"{later * 1000:.0f} ms when it is read again; pg_dump -s {dump * 1000:.0f} ms")


if __name__ == "__main__":
    main()
