"""What `rehearse` says of the classic statements, held against the manual and against a database that is full.

The sections are those of PostgreSQL's manual: 13.3.1 is the table of lock modes, the rest pages of its part VI.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import pytest

from migration_manager.engines.base import Rehearser, SessionSettings
from migration_manager.engines.postgres import open_postgres
from migration_manager.engines.postgres_scratch import PostgresScratch
from migration_manager.errors import ConfigError
from migration_manager.model import Dialect, Script, Source
from migration_manager.rehearsal import Mode, Observed, Rehearsal, Size, Tried, Verdict, judge
from migration_manager.script import parse
from tests.fixtures.files import parsed
from tests.fixtures.postgres import Database, need_embedded, new_database
from tests.fixtures.proofs import schema_of

pytestmark = pytest.mark.postgres

SCHEMA = """
CREATE TABLE people (id int PRIMARY KEY, name text);
CREATE TABLE tasks (
    id int PRIMARY KEY, title varchar(20), n int, price numeric(10, 2), at timestamp, note text, owner int,
    state text NOT NULL DEFAULT 'open', filled int,
    CONSTRAINT n_is_there CHECK (n IS NOT NULL)
);
CREATE INDEX tasks_owner ON tasks (owner);
ALTER TABLE tasks ADD CONSTRAINT owner_later FOREIGN KEY (owner) REFERENCES people NOT VALID;
ALTER TABLE tasks ADD CONSTRAINT note_later CHECK (note IS NOT NULL) NOT VALID;
CREATE UNIQUE INDEX tasks_title ON tasks (title);
CREATE TABLE events (day int NOT NULL, what text) PARTITION BY RANGE (day);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (100);
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (100) TO (200);
CREATE TABLE loose (day int NOT NULL, what text);
CREATE TABLE fitting (day int NOT NULL, what text, CHECK (day IS NOT NULL AND day >= 300 AND day < 400));
CREATE MATERIALIZED VIEW totals AS SELECT id, name FROM people;
CREATE UNIQUE INDEX totals_id ON totals (id);
CREATE VIEW names AS SELECT name FROM people;
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TYPE colour AS ENUM ('red');
CREATE TABLE unused (id int);
CREATE TABLE logs (day int) PARTITION BY RANGE (day);
CREATE TABLE logs_rest PARTITION OF logs DEFAULT;
"""
ROWS = """
INSERT INTO people SELECT g, 'name ' || g FROM generate_series(1, 2000) g;
INSERT INTO tasks SELECT g, 'title ' || g, g, 1, now(), repeat('x', 100), 1 + g % 2000 FROM generate_series(1, 20000) g;
INSERT INTO events SELECT g % 200, 'x' FROM generate_series(1, 2000) g;
INSERT INTO loose SELECT 200 + g % 100, 'x' FROM generate_series(1, 500) g;
INSERT INTO fitting SELECT 300 + g % 100, 'x' FROM generate_series(1, 500) g;
INSERT INTO logs SELECT g FROM generate_series(1, 500) g;
REFRESH MATERIALIZED VIEW totals;
ANALYZE;
"""

PG = Dialect.POSTGRESQL
AE, E, SRE, S = Mode.ACCESS_EXCLUSIVE, Mode.EXCLUSIVE, Mode.SHARE_ROW_EXCLUSIVE, Mode.SHARE
SUE, RE, RS = Mode.SHARE_UPDATE_EXCLUSIVE, Mode.ROW_EXCLUSIVE, Mode.ROW_SHARE
READS, WRITES, SAFE = Verdict.BLOCKS_READS, Verdict.BLOCKS_WRITES, Verdict.SAFE
MOMENT, WRITES_MOMENT = Verdict.READS_FOR_A_MOMENT, Verdict.WRITES_FOR_A_MOMENT


class Case(NamedTuple):
    """A statement, where the manual says what it does, and that: locks stronger than a SELECT's, rewrites, scans."""

    sql: str
    section: str
    locks: dict[str, Mode]
    verdict: Verdict
    rewrites: tuple[str, ...] = ()
    scans: tuple[str, ...] = ()


ALTER = "ALTER TABLE, Notes"
CASES = (
    # --- columns
    Case("ALTER TABLE tasks ADD COLUMN z int", ALTER, {"tasks": AE}, MOMENT),
    Case("ALTER TABLE tasks ADD COLUMN z int NOT NULL DEFAULT 5", ALTER, {"tasks": AE}, MOMENT),
    Case("ALTER TABLE tasks ADD COLUMN z timestamptz DEFAULT now()", ALTER, {"tasks": AE}, MOMENT),
    Case("ALTER TABLE tasks ADD COLUMN z float DEFAULT random()", ALTER, {"tasks": AE}, READS, ("tasks",)),
    Case("ALTER TABLE tasks ADD COLUMN z uuid DEFAULT gen_random_uuid()", ALTER, {"tasks": AE}, READS, ("tasks",)),
    Case("ALTER TABLE tasks ADD COLUMN z int GENERATED ALWAYS AS IDENTITY", ALTER, {"tasks": AE}, READS, ("tasks",)),
    Case(
        "ALTER TABLE tasks ADD COLUMN z int GENERATED ALWAYS AS (n + 1) STORED", ALTER,
        {"tasks": AE}, READS, ("tasks",),
    ),
    Case("ALTER TABLE tasks ADD COLUMN z int REFERENCES people", ALTER, {"tasks": AE, "people": SRE}, MOMENT),
    Case("ALTER TABLE tasks DROP COLUMN note", ALTER, {"tasks": AE}, MOMENT),
    Case("ALTER TABLE tasks RENAME COLUMN note TO remark", "ALTER TABLE, Description", {"tasks": AE}, MOMENT),
    Case("ALTER TABLE tasks RENAME TO jobs", "ALTER TABLE, Description", {"tasks": AE}, MOMENT),
    Case("ALTER TABLE tasks ALTER state SET DEFAULT 'new'", "ALTER TABLE, Description", {"tasks": AE}, MOMENT),
    Case("ALTER TABLE tasks ALTER note SET STATISTICS 200", "ALTER TABLE, Description", {"tasks": SUE}, SAFE),
    Case("ALTER TABLE tasks SET (fillfactor = 70)", "ALTER TABLE, Description", {"tasks": SUE}, SAFE),
    Case("ALTER TABLE tasks SET TABLESPACE pg_default", "ALTER TABLE, Description", {"tasks": AE}, MOMENT),
    Case("ALTER TABLE tasks SET UNLOGGED", "ALTER TABLE, Description", {"tasks": AE}, READS, ("tasks",)),
    # --- types
    Case("ALTER TABLE tasks ALTER title TYPE varchar(50)", ALTER, {"tasks": AE}, MOMENT),
    Case("ALTER TABLE tasks ALTER title TYPE text", ALTER, {"tasks": AE}, MOMENT),
    Case("ALTER TABLE tasks ALTER title TYPE varchar(15)", ALTER, {"tasks": AE}, READS, ("tasks",)),
    Case("ALTER TABLE tasks ALTER n TYPE bigint", ALTER, {"tasks": AE}, READS, ("tasks",)),
    Case("ALTER TABLE tasks ALTER price TYPE numeric(12, 2)", ALTER, {"tasks": AE}, MOMENT),
    Case("ALTER TABLE tasks ALTER price TYPE numeric(12, 4)", ALTER, {"tasks": AE}, READS, ("tasks",)),
    Case(
        "SET LOCAL timezone = 'UTC'; ALTER TABLE tasks ALTER at TYPE timestamptz", "release 12, E.14.3.5",
        {"tasks": AE}, MOMENT,
    ),
    Case(
        "SET LOCAL timezone = 'Europe/Rome'; ALTER TABLE tasks ALTER at TYPE timestamptz", ALTER,
        {"tasks": AE}, READS, ("tasks",),
    ),
    Case("ALTER TYPE colour ADD VALUE 'green'", "ALTER TYPE, Notes", {}, SAFE),
    # --- constraints
    Case("ALTER TABLE tasks ALTER note SET NOT NULL", "ALTER TABLE, Description", {"tasks": AE}, READS, (), ("tasks",)),
    Case("ALTER TABLE tasks ALTER n SET NOT NULL", "ALTER TABLE, Description", {"tasks": AE}, MOMENT),
    Case("ALTER TABLE tasks ADD CHECK (n > 0)", ALTER, {"tasks": AE}, READS, (), ("tasks",)),
    Case("ALTER TABLE tasks ADD CHECK (n > 0) NOT VALID", ALTER, {"tasks": AE}, MOMENT),
    Case("ALTER TABLE tasks VALIDATE CONSTRAINT note_later", ALTER, {"tasks": SUE}, SAFE, (), ("tasks",)),
    Case(
        "ALTER TABLE tasks ADD FOREIGN KEY (owner) REFERENCES people", "ALTER TABLE, Description",
        {"tasks": SRE, "people": SRE}, WRITES, (), ("tasks",),
    ),
    Case(
        "ALTER TABLE tasks ADD FOREIGN KEY (owner) REFERENCES people NOT VALID", ALTER,
        {"tasks": SRE, "people": SRE}, WRITES_MOMENT,
    ),
    Case(
        "ALTER TABLE tasks VALIDATE CONSTRAINT owner_later", ALTER, {"tasks": SUE, "people": RS}, SAFE, (), ("tasks",),
    ),
    Case("ALTER TABLE tasks ADD UNIQUE (n)", "ALTER TABLE, Description", {"tasks": AE}, READS, (), ("tasks",)),
    Case("ALTER TABLE tasks ADD CONSTRAINT t UNIQUE USING INDEX tasks_title", ALTER, {"tasks": AE}, MOMENT),
    Case(
        "ALTER TABLE tasks DROP CONSTRAINT owner_later", "ALTER TABLE, Description",
        {"tasks": AE, "people": AE}, MOMENT,
    ),
    # --- indexes
    Case(
        "CREATE INDEX ON tasks (n)", "CREATE INDEX, Building Indexes Concurrently",
        {"tasks": S}, WRITES, (), ("tasks",),
    ),
    Case("CREATE UNIQUE INDEX ON tasks (n)", "13.3.1, SHARE", {"tasks": S}, WRITES, (), ("tasks",)),
    Case("DROP INDEX tasks_owner", "DROP INDEX, CONCURRENTLY", {"tasks": AE}, MOMENT),
    Case("REINDEX TABLE tasks", "REINDEX, Notes", {"tasks": AE}, READS, (), ("tasks",)),
    Case("REINDEX INDEX tasks_owner", "REINDEX, Notes", {"tasks": AE}, READS, (), ("tasks",)),
    Case("ALTER INDEX tasks_owner RENAME TO t", "ALTER INDEX, RENAME", {}, SAFE),
    # --- whole tables
    Case("CLUSTER tasks USING tasks_owner", "CLUSTER, Description", {"tasks": AE}, READS, ("tasks",)),
    Case("TRUNCATE unused", "TRUNCATE, Notes", {"unused": AE}, MOMENT),
    Case("TRUNCATE loose, tasks", "TRUNCATE, Notes", {"loose": AE, "tasks": AE}, MOMENT),
    Case("DROP TABLE loose", "13.3.1, ACCESS EXCLUSIVE", {"loose": AE}, MOMENT),
    Case("LOCK TABLE tasks IN SHARE MODE", "LOCK", {"tasks": S}, WRITES_MOMENT),
    Case("ANALYZE people", "13.3.1, SHARE UPDATE EXCLUSIVE", {"people": SUE}, SAFE),
    Case(
        "REFRESH MATERIALIZED VIEW totals", "13.3.1, ACCESS EXCLUSIVE",
        {"totals": AE}, READS, ("totals",), ("people",),
    ),
    Case(
        "REFRESH MATERIALIZED VIEW CONCURRENTLY totals", "13.3.1, EXCLUSIVE",
        {"totals": E}, SAFE, (), ("people", "totals"),
    ),
    # --- partitions
    Case(
        "ALTER TABLE events ATTACH PARTITION loose FOR VALUES FROM (200) TO (300)", "ALTER TABLE, ATTACH PARTITION",
        {"events": SUE, "loose": AE}, READS, (), ("loose",),
    ),
    Case(
        "ALTER TABLE events ATTACH PARTITION fitting FOR VALUES FROM (300) TO (400)", "ALTER TABLE, ATTACH PARTITION",
        {"events": SUE, "fitting": AE}, MOMENT,
    ),
    Case(
        "ALTER TABLE events DETACH PARTITION events_1", "ALTER TABLE, DETACH PARTITION",
        {"events": AE, "events_1": AE}, MOMENT,
    ),
    Case(
        "ALTER TABLE events ALTER what TYPE varchar(9)", ALTER, {"events": AE, "events_1": AE, "events_2": AE},
        READS, ("events_1", "events_2"),
    ),
    Case("ALTER TABLE events ADD COLUMN z int", ALTER, {"events": AE, "events_1": AE, "events_2": AE}, MOMENT),
    Case(
        "CREATE TABLE logs_1 PARTITION OF logs FOR VALUES FROM (1000) TO (2000)", "CREATE TABLE, PARTITION OF",
        {"logs": AE, "logs_rest": AE}, READS, (), ("logs_rest",),
    ),
    Case(
        "CREATE INDEX ON events (day)", "CREATE INDEX, Description",
        {"events": S, "events_1": S, "events_2": S}, WRITES, (), ("events_1", "events_2"),
    ),
    # --- what hangs on a table
    Case(
        "CREATE TRIGGER t BEFORE INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION nothing()",
        "13.3.1, SHARE ROW EXCLUSIVE", {"tasks": SRE}, WRITES_MOMENT,
    ),
    Case("ALTER TABLE tasks ENABLE ROW LEVEL SECURITY", "13.3.1, ACCESS EXCLUSIVE", {"tasks": AE}, MOMENT),
    Case("COMMENT ON TABLE tasks IS 'x'", "13.3.1, SHARE UPDATE EXCLUSIVE", {"tasks": SUE}, SAFE),
    Case("GRANT SELECT ON tasks TO PUBLIC", "GRANT", {}, SAFE),
    Case("CREATE VIEW v AS SELECT * FROM tasks", "13.3.1, ACCESS SHARE", {}, SAFE),
    Case("CREATE OR REPLACE VIEW names AS SELECT name FROM people", "13.3.1, ACCESS EXCLUSIVE", {"names": AE}, MOMENT),
    Case("CREATE STATISTICS s ON n, owner FROM tasks", "13.3.1, SHARE UPDATE EXCLUSIVE", {"tasks": SUE}, SAFE),
    Case(
        "CREATE TABLE other (id int REFERENCES people)", "13.3.1, SHARE ROW EXCLUSIVE",
        {"people": SRE}, WRITES_MOMENT,
    ),
    # --- what no text shows
    Case(
        "DO $$ BEGIN EXECUTE 'ALTER TABLE tasks ALTER n TYPE ' || 'bigint'; END $$", ALTER,
        {"tasks": AE}, READS, ("tasks",),
    ),
    Case("DO $$ BEGIN TRUNCATE loose; END $$", "TRUNCATE, Notes", {"loose": AE}, MOMENT),
    Case("DO $$ BEGIN CREATE INDEX ON tasks (n); END $$", "13.3.1, SHARE", {"tasks": S}, WRITES, (), ("tasks",)),
    # --- rows
    Case("UPDATE tasks SET filled = 1", "13.3.1, ROW EXCLUSIVE", {"tasks": RE}, Verdict.SCANS, (), ("tasks",)),
    Case("UPDATE tasks SET filled = 1 WHERE id = 7", "13.3.1, ROW EXCLUSIVE", {"tasks": RE}, SAFE),
    Case("DELETE FROM tasks WHERE owner = 7", "13.3.1, ROW EXCLUSIVE", {"tasks": RE}, SAFE),
    Case("DELETE FROM loose", "13.3.1, ROW EXCLUSIVE", {"loose": RE}, SAFE, (), ("loose",)),
    Case("SELECT count(*) FROM tasks", "13.3.1, ACCESS SHARE", {}, SAFE, (), ("tasks",)),
)  # fmt: skip

# Statements that PostgreSQL refuses inside a transaction; the locks by which table each waits for, as others see it.
OUTSIDE = (
    Case(
        "CREATE INDEX CONCURRENTLY fresh ON tasks (n)", "CREATE INDEX, Building Indexes Concurrently",
        {"tasks": SUE}, SAFE, (), ("tasks",),
    ),
    Case("DROP INDEX CONCURRENTLY tasks_owner", "DROP INDEX, CONCURRENTLY", {"tasks": SUE}, SAFE),
    Case(
        "REINDEX TABLE CONCURRENTLY tasks", "REINDEX, Rebuilding Indexes Concurrently",
        {"tasks": SUE}, SAFE, (), ("tasks",),
    ),
    Case("VACUUM tasks", "VACUUM, Description", {"tasks": SUE}, SAFE, (), ("tasks",)),
    Case("VACUUM FULL tasks", "VACUUM, FULL", {"tasks": AE}, READS, ("tasks",)),
    Case(
        "ALTER TABLE events DETACH PARTITION events_1 CONCURRENTLY", "ALTER TABLE, DETACH PARTITION",
        {"events": SUE, "events_1": AE}, MOMENT,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """The environment's database, full; a scratch one with its schema; and what the first says of its sizes."""

    environment: Database
    scratch: PostgresScratch
    database: str
    rehearser: Rehearser
    known: dict[int, str]
    sizes: dict[str, Size]

    def rehearsed(self, text: str) -> Rehearsal:
        """Rehearse a file on the empty tables of the scratch database, which is left as it was."""
        seen: list[Observed] = []
        with self.rehearser.undone(self.known) as watching:
            invalid = watching.run(parsed(text, PG), seen.append)
        return judge(Tried("one", "one.sql", tuple(seen), left_invalid=invalid), self.sizes)

    def rehearsed_outside(self, text: str) -> Rehearsal:
        """Rehearse a no-transaction file in a copy of the scratch database."""
        copy, seen = self.scratch.make(), list[Observed]()
        self.scratch.fill(copy, schema_script(self.environment))
        try:
            with self.scratch.open(copy, SessionSettings()) as engine:
                rehearser = engine.rehearser()
                invalid = rehearser.outside(
                    parsed(f"-- migrate: no-transaction\n{text}", PG), rehearser.relations(), seen.append
                )
        finally:
            self.scratch.drop(copy)
        return judge(Tried("one", "one.sql", tuple(seen), left_invalid=invalid), self.sizes)


def schema_script(database: Database) -> Script:
    text = schema_of(database, owners=False)
    return parse(Source.held("the schema", text, ""), PG, rollback=False)


@contextmanager
def sized(environment: Database) -> Iterator[Rehearser]:
    with open_postgres(environment.conninfo, SessionSettings()) as engine:
        yield engine.rehearser()


@pytest.fixture(scope="module")
def stage(postgres_server: dict[str, str]) -> Iterator[Stage]:
    """Yield a full environment and an empty copy of its schema, for rehearsals that leave both as they are."""
    need_embedded()  # whose pg_dump reads the schema
    with ExitStack() as closing:
        environment = closing.enter_context(new_database(postgres_server))
        with environment.connect() as connection:
            connection.execute(SCHEMA)
            connection.execute(ROWS)
        with sized(environment) as rehearser:
            sizes = rehearser.sizes()
        scratch = closing.enter_context(PostgresScratch(postgres_server, shown="the tests' server", owned=False))
        name = scratch.make()
        closing.callback(scratch.drop, name)
        scratch.fill(name, schema_script(environment))
        engine = closing.enter_context(scratch.open(name, SessionSettings()))
        yield Stage(environment, scratch, name, engine.rehearser(), engine.rehearser().relations(), sizes)


def bare(name: str) -> str:
    return name.removeprefix("public.")


def seen_in(rehearsal: Rehearsal) -> tuple[dict[str, Mode], tuple[str, ...], tuple[str, ...]]:
    """Return what the last statement was seen to do, in the terms of a case."""
    statement = rehearsal.statements[-1].statement
    locks: dict[str, Mode] = {
        bare(lock.relation.name): lock.mode for lock in statement.locks if lock.mode is not Mode.ACCESS_SHARE
    }
    rewritten = tuple(bare(each.name) for each in statement.rewritten)
    scanned = tuple(bare(each.name) for each in statement.scanned if each not in statement.rewritten)
    return locks, rewritten, scanned


def shown(case: Case) -> str:
    return case.sql


@pytest.mark.parametrize("case", CASES, ids=shown)
def test_a_statement_gets_the_lock_the_rewrite_and_the_scan_that_the_manual_says(stage: Stage, case: Case) -> None:
    rehearsal = stage.rehearsed(case.sql)
    assert seen_in(rehearsal) == (case.locks, case.rewrites, case.scans), case.section
    assert rehearsal.statements[-1].verdict is case.verdict


@pytest.mark.parametrize("case", [case for case in CASES if not case.sql.startswith("SELECT")], ids=shown)
def test_full_tables_answer_as_empty_ones_do(stage: Stage, case: Case) -> None:
    """Hold what is seen on empty tables against the same statement on the environment's own."""
    seen: list[Observed] = []
    with sized(stage.environment) as rehearser, rehearser.undone(None, lock_timeout=1000) as watching:
        watching.run(parsed(case.sql, PG), seen.append)
    locks, rewritten, scanned = seen_in(judge(Tried("one", "one.sql", tuple(seen)), stage.sizes))
    assert (locks, rewritten) == (case.locks, case.rewrites)
    extra = {"people"} if "FOREIGN KEY" in case.sql or "owner_later" in case.sql else set()
    assert set(scanned) - extra == set(case.scans), "the referenced table is read as the planner sees fit"


def test_a_server_that_does_not_count_is_refused(stage: Stage) -> None:
    copy = stage.scratch.make()
    try:
        with stage.environment.connect() as connection:
            connection.execute(f"ALTER DATABASE {copy} SET track_counts = off".encode())
        with (
            stage.scratch.open(copy, SessionSettings()) as engine,
            engine.rehearser().undone({}) as watching,
            pytest.raises(ConfigError, match="track_counts is off"),
        ):
            watching.run(parsed("SELECT 1", PG), lambda _: None)
    finally:
        stage.scratch.drop(copy)


@pytest.mark.parametrize("case", OUTSIDE, ids=shown)
def test_a_statement_outside_of_a_transaction_gets_what_the_manual_says(stage: Stage, case: Case) -> None:
    rehearsal = stage.rehearsed_outside(case.sql)
    assert seen_in(rehearsal) == (case.locks, case.rewrites, case.scans), case.section
    assert rehearsal.verdict is case.verdict
    assert rehearsal.statements[-1].statement.inferred


@pytest.mark.parametrize("case", OUTSIDE, ids=shown)
def test_the_locks_of_the_manual_are_those_a_statement_is_seen_to_wait_for(
    postgres_server: dict[str, str], case: Case
) -> None:
    """While somebody reads the table, or keeps writers out of it: what the manual says is waited for, else nothing."""
    for table, mode in case.locks.items():
        assert waits_for(postgres_server, case.sql, table, "ACCESS SHARE") is (mode if mode is AE else None)
        if mode is not AE:
            assert waits_for(postgres_server, case.sql, table, "SHARE") is mode


def waits_for(server: dict[str, str], statement: str, table: str, keeping: str) -> Mode | None:
    """Return the lock a statement waits for on a table that is kept in that mode; None where it does not wait."""
    with new_database(server) as database:
        with database.connect() as connection:
            connection.execute(SCHEMA)
        return _waits_for(database, statement, table, keeping)


def _waits_for(database: Database, statement: str, table: str, keeping: str) -> Mode | None:
    with database.connect() as keeper, database.connect() as runner, database.connect() as watcher:
        keeper.execute("BEGIN")
        keeper.execute(f"LOCK TABLE {table} IN {keeping} MODE")
        thread = threading.Thread(target=runner.execute, args=(statement,))
        thread.start()
        try:
            deadline = time.monotonic() + 10
            while thread.is_alive() and time.monotonic() < deadline:
                found = watcher.execute(
                    "SELECT mode, locktype, relation = %s::regclass FROM pg_locks WHERE pid = %s AND NOT granted",
                    (table, runner.info.backend_pid),
                ).fetchall()
                if any(kind == "virtualxid" for _, kind, _ in found):
                    return None  # it waits for the others to end, as CONCURRENTLY does, and not for a lock
                for mode, _, is_there in found:
                    if is_there:
                        return next(each for each in Mode if each.value.title().replace(" ", "") + "Lock" == mode)
                time.sleep(0.005)
            return None
        finally:
            keeper.execute("ROLLBACK")
            thread.join(10)
