"""Random DDL, and whether the catalog and `pg_dump -s` see the same of it.

Each statement that succeeds is looked at by both: where one of them sees a change and the other does not, one of them
is wrong. At the end of a sequence the dump is restored, and the catalog of that has to be the catalog of the original.
Run by itself for longer: `python -m tests.proof.fuzz_catalog CONNINFO SEED SEQUENCES STATEMENTS`.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from migration_manager import embedded
from migration_manager.catalog import Catalog, Item, differences
from migration_manager.engines.postgres_catalog import SETTINGS, objects_in, queries
from tests.fixtures.postgres import Database, new_database

DATA: Final = Path(__file__).parents[1] / "data" / "fuzz"
# What the sequences begin with. Names that need quotes among them.
BASE: Final = (DATA / "base.sql").read_text(encoding="utf-8")

ROLES: Final = ("fuzz_a", "fuzz b")

# $x is a choice of its own: see _WORDS. One whole statement in each line.
STATEMENTS: Final = (DATA / "statements.txt").read_text(encoding="utf-8").splitlines()

_CHOICES: Final = json.loads((DATA / "words.json").read_text(encoding="utf-8"))
_WORDS: Final[dict[str, list[str]]] = _CHOICES["words"]
# Words whose choices are what is there now, by a query; those of a table follow the one chosen last.
_THERE: Final[dict[str, str]] = _CHOICES["there"]
_OF_TABLE: Final[dict[str, str]] = _CHOICES["of_table"]
_ATTEMPTS: Final = 5  # at a statement of one kind: most that are made at random do not fit what is there
_OWNERS: Final = frozenset({"table", "rel", "view", "matview", "foreign", "composite", "domain"})


@dataclass(frozen=True)
class Disagreement:
    """A statement of which one of the two saw something."""

    statement: str
    catalog: str
    dump: str
    before: Sequence[str] = ()

    def __str__(self) -> str:
        return f"{self.statement!r}\n  catalog: {self.catalog or 'the same'}\n  dump: {self.dump or 'the same'}"


class Grammar:
    """Makes statements of what is in a database, those kinds first that were made least often."""

    def __init__(self, seed: int, kinds: Sequence[str] = STATEMENTS) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        self._kinds = kinds
        self._tried: Counter[str] = Counter()
        self.succeeded: set[str] = set()

    def run_one(self, connection: psycopg.Connection) -> str:
        """Run statements until one succeeds; return it."""
        while True:
            kind = min(self._chance.sample(self._kinds, 3), key=lambda each: self._tried[each])
            self._tried[kind] += 1
            for _ in range(_ATTEMPTS):
                with suppress(LookupError, psycopg.Error):
                    statement = self._made(kind, connection)
                    connection.execute(statement.encode())
                    self.succeeded.add(kind)
                    return statement

    def _made(self, kind: str, connection: psycopg.Connection) -> str:
        """Return a statement of that kind; raises `LookupError` where there is nothing for one of its words."""
        chosen: dict[str, str] = {}

        def one_of(query: str, *values: str) -> str:
            there = sorted(str(row[0]) for row in connection.execute(query.encode(), values))
            if not there:
                raise LookupError(query)
            return self._chance.choice(there)

        def word(name: str) -> str:
            if name == "new":
                return f"{self._chance.choice(_WORDS['schema'][:3])}.{self._chance.choice(_WORDS['name'])}"
            if name in _WORDS:
                return self._chance.choice(_WORDS[name])
            if name in _OF_TABLE:
                return one_of(_OF_TABLE[name], of)
            return chosen.pop(name, None) or one_of(_THERE[name])

        # What columns and constraints are of is chosen before them, wherever it stands.
        owner = next((each for each in re.findall(r"\$([a-z]\w*)", kind) if each in _OWNERS), None)
        of = "comp" if " comp " in kind else "t1"
        if owner is not None:
            of = chosen[owner] = one_of(_THERE[owner])
        return re.sub(r"\$([a-z]\w*)", lambda found: word(found[1]), kind)


class Looking:
    """Reads one database by both ways."""

    def __init__(self, server: Mapping[str, str], database: Database) -> None:
        self._server = server
        self._database = database
        self.connection = database.connect()
        self._reader = database.connect()
        for setting in SETTINGS:
            self._reader.execute(setting.replace("SET LOCAL", "SET").encode())
        self._queries = queries(self._reader.info.server_version)
        for number, query in enumerate(self._queries):
            self._reader.execute(f"PREPARE c{number} AS {query}".encode())

    def catalog(self) -> Catalog:
        objects: dict[Item, str] = {}
        for number in range(len(self._queries)):
            ((text,),) = self._reader.execute(f"EXECUTE c{number}".encode()).fetchall()
            objects |= objects_in(text)
        return objects

    def dump(self) -> str:
        return dumped(self._server, self._database.name)

    def close(self) -> None:
        with suppress(psycopg.Error):
            for (name,) in self.connection.execute(_THERE["subscription"]).fetchall():
                self.connection.execute(f"ALTER SUBSCRIPTION {name} DISABLE".encode())
                self.connection.execute(f"ALTER SUBSCRIPTION {name} SET (slot_name = NONE)".encode())
                self.connection.execute(f"DROP SUBSCRIPTION {name}".encode())
        self.connection.close()
        self._reader.close()


def _run(server: Mapping[str, str], program: str, *arguments: str, given: str | None = None) -> str:
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
    environment = {**os.environ, **{names[key]: value for key, value in server.items() if key in names}}
    command = [str(Path(embedded.binaries()) / program), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, input=given)
    if done.returncode:
        raise ValueError(done.stderr)
    return done.stdout


def dumped(server: Mapping[str, str], name: str) -> str:
    return _run(server, "pg_dump", "--schema-only", "--restrict-key=x", "-d", name)


def _for_older(dump: str) -> str:
    """Return a dump without what an older server than the program does not know."""
    return dump.replace("SET transaction_timeout = 0;", "")


def blocks(dump: str) -> list[str]:
    """Return a dump's statements in an order that says nothing: objects of one kind may come by number."""
    text = "\n".join(line for line in dump.splitlines() if not line.startswith("--"))
    return sorted(block.strip() for block in text.split(";\n") if block.strip())


def told(before: Catalog, after: Catalog) -> str:
    return "; ".join(difference.in_words() for difference in differences(before, after))


# Statements that pg_dump sees nothing of, or not all, and that change something nevertheless; and why.
ONLY_IN_CATALOG: Final = {
    r"ALTER SEQUENCE .* AS ": "pg_dump writes no type of an identity column's sequence",
    r"COMMENT ON TRIGGER": "pg_dump leaves out the comment on a partition's share of a trigger",
    r"COMMENT ON CONSTRAINT": "pg_dump leaves out the comment on an inherited constraint",
    r'COMMENT ON RULE "_RETURN"': "pg_dump leaves it out",
    r"COMMENT ON EXTENSION plpgsql": "pg_dump leaves plpgsql out, which is there in every database",
    r"DEPENDS ON EXTENSION": "pg_dump leaves it out for a partition's share of a trigger",
    r"DISABLE TRIGGER ALL": "pg_dump leaves out the triggers behind a foreign key",
    r"ON LANGUAGE sql": "pg_dump looks at procedural languages only",
}
# What the catalog knows nothing of.
ONLY_IN_DUMP: Final = {
    r"ALTER SUBSCRIPTION .* CONNECTION": "it may hold a password, and only a superuser may read it",
}


def explained(found: Disagreement) -> bool:
    """Whether both are right."""
    reasons = ONLY_IN_DUMP if found.dump else ONLY_IN_CATALOG
    return any(re.search(pattern, found.statement) for pattern in reasons)


@contextmanager
def begun(server: Mapping[str, str]) -> Iterator[Looking]:
    """Have a database with what the sequences begin with."""
    with new_database(server) as database:
        looking = Looking(server, database)
        try:
            looking.connection.execute(BASE.encode())
            yield looking
        finally:
            looking.close()


def compared(looking: Looking, statements: Iterable[str]) -> Iterator[Disagreement]:
    """Yield what one of the two sees of statements and the other does not; each runs when it is asked for."""
    history: list[str] = []
    catalog, dump = looking.catalog(), looking.dump()
    for statement in statements:
        history.append(statement)
        now, dump_now = looking.catalog(), looking.dump()
        gone, came = _unlike(dump, dump_now)
        if (now == catalog) != (gone == came == []):
            seen = "" if now == catalog else told(catalog, now)
            yield Disagreement(
                statement, seen, "\n".join([*(f"- {b}" for b in gone), *(f"+ {b}" for b in came)]), tuple(history)
            )
        elif now != catalog and not differences(catalog, now):
            yield Disagreement(statement, "differs, and no difference is told", dump_now, tuple(history))
        catalog, dump = now, dump_now


def _unlike(one: str, other: str) -> tuple[list[str], list[str]]:
    if one == other:
        return [], []
    first, second = Counter(blocks(one)), Counter(blocks(other))
    return list((first - second).elements()), list((second - first).elements())


def at_random(looking: Looking, grammar: Grammar, length: int) -> Iterator[Disagreement]:
    """Run so many statements, and yield the disagreements about them."""
    return compared(looking, (grammar.run_one(looking.connection) for _ in range(length)))


def after_restoring(server: Mapping[str, str], looking: Looking) -> str:
    """Return how the catalog of a restored dump differs; pg_dump loses some things, and some dumps do not restore."""
    with new_database(server) as other:
        try:
            _run(server, "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", other.name, given=_for_older(looking.dump()))
        except ValueError as error:
            return f"does not restore: {error}"
        again = Looking(server, other)
        try:
            return told(looking.catalog(), again.catalog())
        finally:
            again.close()


@contextmanager
def roles(server: Mapping[str, str]) -> Iterator[None]:
    """Have the roles that the statements name; who is the last to use them drops them."""
    with psycopg.connect(psycopg.conninfo.make_conninfo("", **server), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock_shared(hashtext('fuzz'))")
        for role in ROLES:
            with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        yield
        connection.execute("SELECT pg_advisory_unlock_shared(hashtext('fuzz'))")
        if connection.execute("SELECT pg_try_advisory_lock(hashtext('fuzz'))").fetchone() == (True,):
            for role in ROLES:
                with suppress(psycopg.errors.DependentObjectsStillExist):  # a run that was killed has left databases
                    connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def main(conninfo: str, seed: int, sequences: int, length: int) -> None:
    """Print what is found. `-` before what was run just before."""
    server = {key: str(value) for key, value in conninfo_to_dict(conninfo).items()}
    grammar = Grammar(seed)
    with roles(server):
        for number in range(sequences):
            with begun(server) as looking:
                for found in at_random(looking, grammar, length):
                    if not explained(found):
                        print(f"[{number}] {found}", *found.before[-4:-1], sep="\n     - ", flush=True)
                if said := after_restoring(server, looking):
                    print(f"[{number}] restored: {said}", flush=True)
    never = set(STATEMENTS) - grammar.succeeded
    print(f"{sequences * length} statements; never made:", *sorted(never), sep="\n  ")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
