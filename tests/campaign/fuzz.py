"""Files that try to end the transaction they run in, in every form there is: none of it may stay, or be recorded.

Each file is run in one of four ways: by the whole command line; as the command line does it, lexer included, on a
session that is open already; and twice as no lexer has looked at it, statement by statement and as one message.
"""

from __future__ import annotations

import enum
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import psycopg

from migration_manager.engines.base import Engine, SessionSettings
from migration_manager.engines.postgres import open_postgres
from migration_manager.errors import FileError, MigrationManagerError
from migration_manager.model import Action, Change, Dialect, Run, Script
from tests.campaign.bench import Bench, described, first_lines
from tests.campaign.designs import wrapped
from tests.campaign.scenarios import Broken, Rule
from tests.campaign.tally import Tally, chances
from tests.fixtures.files import by_hand, parsed

_RUN = Run("fuzz", "dev")
_CLEAN_EVERY = 100

# What ends a transaction, or begins another; `{}` is a number, so that names differ.
ENDS = (
    "COMMIT", "END", "ROLLBACK", "ABORT", "COMMIT WORK", "END TRANSACTION", "COMMIT AND CHAIN", "END AND CHAIN",
    "ROLLBACK AND NO CHAIN", "COMMIT AND NO CHAIN", "PREPARE TRANSACTION 'fuzz {}'", "COMMIT; BEGIN",
    "ROLLBACK; BEGIN", "ROLLBACK; START TRANSACTION", "/* x */ COMMIT", "-- x\nROLLBACK", "commit", "RollBack",
)  # fmt: skip
# What nothing but the lexer can stop where it comes in one message with all that follows: the row is gone with the
# transaction, and what comes next may write. Sent by itself the statement is the last one.
LEAVES = (
    "ROLLBACK AND CHAIN", "ABORT AND CHAIN", "ROLLBACK; BEGIN READ WRITE", "ROLLBACK; SET TRANSACTION READ WRITE",
    "ABORT; START TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE",
)  # fmt: skip
# What looks like it, or comes near it, and does not end the transaction when it succeeds.
NEAR = (
    "BEGIN", "START TRANSACTION", "SAVEPOINT s{0}; RELEASE SAVEPOINT s{0}", "DO $$ BEGIN COMMIT; END $$",
    "DO $$ BEGIN ROLLBACK; END $$", "CALL campaign.commits()", "DO $$ BEGIN EXECUTE 'COMMIT'; END $$",
    "DO $$ BEGIN EXECUTE 'COMMIT'; EXCEPTION WHEN OTHERS THEN NULL; END $$", "SET TRANSACTION READ ONLY",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SET CONSTRAINTS ALL IMMEDIATE", "SELECT 'COMMIT; ROLLBACK'",
    "SELECT $x$ COMMIT; $x$", "/* COMMIT; /* ROLLBACK; */ */ SELECT 1", "-- COMMIT;\nSELECT 1",
    "SET default_transaction_read_only = off", "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", "RESET ALL",
    "SET session_replication_role = replica", "SELECT pg_advisory_unlock_all()", "DISCARD ALL", "ROLLBACK TO nowhere",
    "CREATE OR REPLACE PROCEDURE campaign.other() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$", "SET ROLE nobody",
    "SET search_path = pg_catalog", "RELEASE nowhere", "COMMIT PREPARED 'nothing'",
)  # fmt: skip


class Way(enum.Enum):
    """How a file is run."""

    COMMAND_LINE = "command line"
    LEXER = "lexer and engine"
    ONE_BY_ONE = "no lexer, one by one"
    ONE_MESSAGE = "no lexer, one message"


# How often a file is run in a way; the first takes thirty times as long as the others.
_WEIGHTS = {Way.COMMAND_LINE: 4, Way.LEXER: 46, Way.ONE_BY_ONE: 25, Way.ONE_MESSAGE: 25}


@dataclass(frozen=True)
class FuzzFile:
    """A file, and the marks it leaves when it is applied as it stands, whole."""

    number: int
    statements: tuple[str, ...]
    marks: frozenset[int]
    ends: bool  # there is a statement in it that ends the transaction

    @property
    def name(self) -> str:
        return f"{self.number:06d}_fuzz"

    @property
    def text(self) -> str:
        return "".join(f"{statement};\n" for statement in self.statements)


def write(number: int, chance: random.Random, ending: Sequence[str] = ENDS + LEAVES) -> FuzzFile:
    """Write a file of some statements that leave marks, with some that end or seem to end the transaction between."""
    statements: list[str] = []
    marks: set[int] = set()
    ends = False
    for mark in range(chance.randint(2, 6)):
        for _ in range(chance.choice((0, 0, 1, 1, 2))):
            kind = chance.choice(("ends", "near", "near", "undone"))
            if kind == "undone":
                lost = _mark(number, 100 + mark, chance)
                statements += [f"SAVEPOINT u{mark}", lost, f"ROLLBACK TO SAVEPOINT u{mark}"]
                continue
            form = chance.choice(ending if kind == "ends" else NEAR).format(f"{number}_{len(statements)}")
            ends |= kind == "ends"
            statements += form.split("; ") if not form.startswith(("DO", "SELECT", "/*", "CREATE")) else [form]
        statements.append(_mark(number, mark, chance))
        marks.add(mark)
    if chance.random() < 0.1:  # the habit of hand-written files, which is welcome
        statements = ["BEGIN", *statements, "COMMIT"]
    return FuzzFile(number, tuple(statements), frozenset(marks), ends)


def _mark(number: int, mark: int, chance: random.Random) -> str:
    """Return a statement that can be seen afterwards."""
    if chance.random() < 0.4:
        return f"CREATE TABLE public.fuzz_{number}_{mark} (id integer)"
    return f"INSERT INTO campaign.marks VALUES ({number}, {mark})"


# ------------------------------------------------------------------------------------------------ running


def fuzz(bench: Bench, seed: int, first: int, count: int, *, ways: Sequence[Way] = tuple(Way)) -> Tally:
    """Run files that try to end their transaction, in one of these ways each."""
    tally = Tally()
    _prepare(bench)
    with _Session(bench) as session:
        for number in range(first, first + count):
            if (number - first) % _CLEAN_EVERY == 0:
                bench.clean()
                bench.ask("TRUNCATE campaign.marks")
            chance = chances("fuzz", seed, number)
            (way,) = chance.choices(ways, [_WEIGHTS[each] for each in ways])
            file = write(number, chance, ENDS if way is Way.ONE_MESSAGE else ENDS + LEAVES)
            said = _by_command_line(bench, file) if way is Way.COMMAND_LINE else session.run(file, way)
            # The lexer lets a pair around the whole pass, and takes it away.
            ends = file.ends or (way in (Way.ONE_BY_ONE, Way.ONE_MESSAGE) and file.statements[-1] == "COMMIT")
            broken = _look(bench, file, said, ends=ends)
            # From the first on: what a file before it has left in the session may be part of it.
            replay = f"fuzz --seed {seed} --first {first} --tries {number - first + 1}"
            tally.note(way.value, broken, effective=ends, replay=replay)
    return tally


def fuzz_control(bench: Bench, seed: int, first: int, count: int) -> Tally:
    """Run such files between BEGIN and COMMIT with their record, as one message."""
    tally = Tally()
    _prepare(bench)
    for number in range(first, first + count):
        file = write(number, chances("fuzz", seed, number))
        with bench.database.connect() as connection:
            try:
                connection.execute(wrapped(file.text, file.name))
                said = "applied"
            except psycopg.Error as error:
                said = str(error)
        ends = file.ends or file.statements[-1] == "COMMIT"
        broken = _look(bench, file, said, ends=ends)
        replay = f"fuzz-control --seed {seed} --first {number} --tries 1"
        tally.note("wrapper", broken, effective=ends, replay=replay)
    bench.clean()
    return tally


def _prepare(bench: Bench) -> None:
    bench.make_history()
    bench.ask(
        "CREATE TABLE IF NOT EXISTS campaign.marks (number integer, mark integer); TRUNCATE campaign.marks; "
        "CREATE OR REPLACE PROCEDURE campaign.commits() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$"
    )


def _by_command_line(bench: Bench, file: FuzzFile) -> str:
    bench.project({file.name: file.text})
    # The files of the tries before are gone, which is nothing to stop for.
    said = bench.run("migrate", "--allow-missing", "--out-of-order", "allow")
    return described(said)


class _Session:
    """An engine that is open already, opened again where a file has lost it its connection."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._engine: Engine | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def run(self, file: FuzzFile, way: Way) -> str:
        """Run a file; returns what became of it."""
        try:
            script = _script(file, way)
        except FileError as error:
            return f"refused: {error}"
        change = Change(Action.MIGRATE, file.name, script, checksum=script.source.checksum, texts=(script.source,))
        engine = self._engine or self._open()
        try:
            engine.transact(_RUN, [change])
        except MigrationManagerError as error:
            if error.exit_code != 1:
                self._close()
            return str(error)
        return "applied"

    def _open(self) -> Engine:
        self._engine = open_postgres(self._bench.database.conninfo, SessionSettings())
        self._engine.ensure_history(_RUN)
        return self._engine

    def _close(self) -> None:
        if self._engine is not None:
            self._engine.__exit__(None, None, None)
            self._engine = None


def _script(file: FuzzFile, way: Way) -> Script:
    if way is Way.LEXER:
        return parsed(file.text, Dialect.POSTGRESQL)
    return by_hand(*file.statements, together=way is Way.ONE_MESSAGE)


def _look(bench: Bench, file: FuzzFile, said: str, *, ends: bool) -> list[Broken]:
    """Return what of the file is there that must not be, or is not and must."""
    prepared = [gid for (gid,) in bench.ask("SELECT gid FROM pg_prepared_xacts")]
    for gid in prepared:  # what is in it counts as if it were there
        bench.ask(f"COMMIT PREPARED '{gid}'")
    ((marks, tables, state, logged),) = bench.ask(
        f"SELECT (SELECT array_agg(mark) FROM campaign.marks WHERE number = {file.number}), "
        "(SELECT array_agg(split_part(relname, '_', 3)::integer) FROM pg_class "
        f"WHERE relnamespace = 'public'::regnamespace AND relname LIKE 'fuzz\\_{file.number}\\_%'), "
        f"(SELECT state FROM public.schema_migrations WHERE migration_name = '{file.name}'), "
        "(SELECT count(*) FROM public.schema_migrations_log "
        f"WHERE migration_name = '{file.name}' AND outcome = 'done')"
    )
    found = {*(marks or ()), *(tables or ())}
    there = f"{sorted(found)} of {sorted(file.marks)}, {state}, log {logged}, prepared {prepared}"
    seen = f"{file.text!r}: {there}; {first_lines(said)}"
    broken = []
    if state is None and found:
        broken.append(Broken(Rule.PARTIAL, seen))
    if state is not None and found != file.marks:
        broken.append(Broken(Rule.FALSE_RECORD, f"incomplete; {seen}"))
    if state is not None and ends:
        broken.append(Broken(Rule.FALSE_RECORD, f"it ended its transaction; {seen}"))
    if (state is not None) != (logged == 1) or state not in (None, "applied"):
        broken.append(Broken(Rule.FALSE_RECORD, f"log; {seen}"))
    return broken
