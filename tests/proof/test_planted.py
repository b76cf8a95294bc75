"""Faults of every kind that PostgreSQL's catalog has, each in a rollback script of its own; and harmless changes.

A planted file says in its header what has to be found. What `prove` says is held against what `pg_dump -s` sees.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from migration_manager import embedded, proving
from migration_manager.proof import Proof, Verdict
from tests.fixtures.postgres import Database, without_postgres
from tests.fixtures.proofs import Prover

pytestmark = pytest.mark.postgres

PLANTED = Path(__file__).parents[1] / "data" / "planted"
FAULTS, HARMLESS = PLANTED / "faults", PLANTED / "harmless"
BASE = "000_base"
PARTS = 3  # of a folder, for as many workers

# Where pg_dump -s sees no difference and prove does, and why both are right.
ONLY_PROVEN = {
    "030_index_invalid": "pg_dump leaves an invalid index out only since 18; before, it writes it as if it were valid",
    "039_materialized_view_empty": "a schema-only dump never says whether a materialized view is filled",
    "100_database_settings": "pg_dump writes the settings of a database only with --create",
}
# Where pg_dump -s sees a difference that prove does not report, and why that is none.
ONLY_DUMPED: dict[str, str] = {}


def stem(path: Path) -> str:
    return path.name.removesuffix(".sql").removesuffix("_rollback")


def whole(folder: Path, into: Path) -> Path:
    """Return a folder of migrations: the base that both begin with, and what is planted on it."""
    shutil.copytree(folder, into)
    shutil.copy(PLANTED / "base.sql", into / f"{BASE}.sql")
    return into


def names(folder: Path) -> list[str]:
    return sorted({stem(path) for path in folder.glob("*.sql")})


def expected(name: str, user: str) -> list[str]:
    """Return how the messages begin that have to be found."""
    lines = (FAULTS / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    told = (line.split(": ", 1) for line in lines if line.startswith(("-- finds: ", "-- also: ")))
    return [text.replace("postgres", user) for _, text in told]


def wrong_with(proofs: Mapping[str, Proof], user: str, planted_in: list[str]) -> list[str]:
    """Return what was planted and not found, and what was found and not planted."""
    wrong = []
    for name in planted_in:
        messages = [
            finding.message for finding in proofs[name].findings if finding.rule not in ("up-again-fails", "rows")
        ]
        planted = expected(name, user)
        wrong += [f"{name}: not found: {one}" for one in planted if not any(m.startswith(one) for m in messages)]
        wrong += [f"{name}: not planted: {m}" for m in messages if not any(m.startswith(one) for one in planted)]
    return wrong


def test_there_are_enough_of_both() -> None:
    assert len(names(FAULTS)) >= 100
    assert len(names(HARMLESS)) >= 60


@pytest.mark.slow
def test_every_planted_fault_is_found_and_named(
    prover: Prover, postgres_server: dict[str, str], tmp_path: Path
) -> None:
    proofs = prover.prove(
        whole(FAULTS, tmp_path / "faults"), plants_rows=False
    )  # what becomes of rows is not planted here
    assert wrong_with(proofs, postgres_server.get("user", "postgres"), names(FAULTS)) == []
    assert not [name for name in names(FAULTS) if proofs[name].verdict is Verdict.RESTORED]
    assert proofs[BASE].verdict is Verdict.IRREVERSIBLE
    assert proofs["017_column_order"].verdict is Verdict.ORDER
    assert proofs["025_constraint_name"].verdict is Verdict.NAMES
    assert proofs["103_rollback_fails"].verdict is Verdict.FAILS
    assert proofs["104_no_statement"].verdict is Verdict.NO_STATEMENT


@pytest.mark.slow
def test_no_harmless_change_gives_a_finding(prover: Prover, tmp_path: Path) -> None:
    proofs = prover.prove(whole(HARMLESS, tmp_path / "harmless"))
    assert {name: proofs[name].open_findings for name in names(HARMLESS) if proofs[name].open_findings} == {}
    # A column that is dropped takes its values with it, and this one's header accepts that.
    accepted = {"005_dropped_last_column"}
    assert {name for name in names(HARMLESS) if proofs[name].verdict is not Verdict.RESTORED} == accepted


@pytest.mark.slow
def test_without_the_comparison_nothing_of_this_would_be_found(
    prover: Prover, postgres_server: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(proving, "differences", lambda _first, _second: ())
    some = names(FAULTS)[::5]
    wrong = wrong_with(
        prover.prove(whole(FAULTS, tmp_path / "faults"), some, plants_rows=False),
        postgres_server.get("user", "postgres"),
        some,
    )
    missed = {line.split(":")[0] for line in wrong if ": not found: " in line}
    assert missed == set(some) - {"103_rollback_fails", "104_no_statement"}


# --------------------------------------------------------------------------------- beside pg_dump


class Dumper:
    """Runs scripts with psql and dumps schemas with pg_dump, of this run's server."""

    def __init__(self, server: Mapping[str, str]) -> None:
        self._server = dict(server)
        self._programs = embedded.binaries()

    def _run(self, program: str, *arguments: str, database: str) -> str:
        where = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
        given = {where[key]: value for key, value in self._server.items() if key in where}
        done = subprocess.run(
            [self._programs / program, *arguments, "-d", database],
            env={**os.environ, **given}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise AssertionError(f"{program} {arguments}: {done.stderr}")
        return done.stdout

    def psql(self, path: Path, database: str) -> bool:
        """Run a file; return whether it ran to its end."""
        outside = "-- migrate: no-transaction" in path.read_text(encoding="utf-8")
        try:
            how = () if outside else ("--single-transaction",)
            self._run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", *how, "-f", str(path), database=database)
        except AssertionError:
            return False
        return True

    def dump(self, database: str) -> str:
        lines = self._run("pg_dump", "--schema-only", "--restrict-key=x", database=database).splitlines()
        # COPY as it begins: in the order of the columns, which a dump of the schema alone does not show otherwise.
        return "\n".join(line for line in lines if not line.startswith("--"))

    @contextmanager
    def copy_of(self, database: str) -> Iterator[str]:
        name = f"{database}_copy"
        with psycopg.connect(psycopg.conninfo.make_conninfo("", **self._server), autocommit=True) as connection:
            make = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(database))
            connection.execute(make)
            try:
                yield name
            finally:
                with Database({**self._server, "dbname": name}).connect() as inside:
                    inside.execute("DROP SUBSCRIPTION IF EXISTS news")
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def seen_by_pg_dump(folder: Path, database: Database, server: Mapping[str, str], part: int) -> dict[str, bool | None]:
    """Return whether a dump sees a difference after each rollback; None where the rollback fails.

    Each is tried by itself on a copy of the base; one of so many parts of the folder.
    """
    dumper = Dumper(server)
    try:
        version = int(dumper._run("psql", "-XAtc", "SHOW server_version_num", database=database.name))
    except FileNotFoundError:
        without_postgres("there is no pg_dump and psql beside the tests", os.environ)
    if version // 10000 > int(embedded.wheel.MAJOR):
        without_postgres("the server is newer than the pg_dump beside the tests", os.environ)
    assert dumper.psql(PLANTED / "base.sql", database.name)
    seen: dict[str, bool | None] = {}
    before = dumper.dump(database.name)
    for name in names(folder)[part::PARTS]:
        with dumper.copy_of(database.name) as copy:
            assert dumper.psql(folder / f"{name}.sql", copy), name
            came_back = dumper.psql(folder / f"{name}_rollback.sql", copy)
            seen[name] = dumper.dump(copy) != before if came_back else None
    return seen


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_pg_dump_sees_the_same_faults(database: Database, postgres_server: dict[str, str], part: int) -> None:
    seen = seen_by_pg_dump(FAULTS, database, postgres_server, part)
    assert {name for name, differs in seen.items() if differs is None} <= {"103_rollback_fails"}
    assert {name for name, differs in seen.items() if differs is False} <= ONLY_PROVEN.keys()


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_pg_dump_sees_the_same_harmless_changes(database: Database, postgres_server: dict[str, str], part: int) -> None:
    seen = seen_by_pg_dump(HARMLESS, database, postgres_server, part)
    assert {name for name, differs in seen.items() if differs is not False} <= ONLY_DUMPED.keys()
