"""What runners do in a campaign, and what must be true of the database afterwards, whatever happened to them."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.campaign.bench import Bench, described
from tests.campaign.claims import Said


@dataclass(frozen=True)
class File:
    """A migration: its texts, and expressions that are true when a piece of what it makes is there.

    `outside` means that it runs outside a transaction: then some pieces may be there and others not, and
    `made_by` says which statement makes each.
    """

    name: str
    forward: str
    rollback: str
    pieces: tuple[str, ...]
    outside: bool = False
    made_by: tuple[int, ...] = ()

    @property
    def ran(self) -> str:
        return f"(SELECT count(*) FROM campaign.ran WHERE what = '{self.name}')"


def _ran(name: str) -> str:
    return f"INSERT INTO campaign.ran (what) VALUES ('{name}');\n"


def tables(number: int, *, pause: float = 0.002) -> File:
    """Return a file of two tables, an index, a column and 300 rows; it takes about 20 ms."""
    name, a, b = f"20250101_{number:06d}_tables", f"a_{number}", f"b_{number}"
    sleep = f"SELECT pg_sleep({pause});\n"
    forward = (
        f"CREATE TABLE {a} (id integer PRIMARY KEY, v integer);\n{sleep}CREATE TABLE {b} (id integer);\n{sleep}"
        f"CREATE INDEX {a}_v ON {a} (v);\n{sleep}ALTER TABLE {a} ADD COLUMN extra text DEFAULT 'x';\n{sleep}"
        f"INSERT INTO {a} SELECT g, g FROM generate_series(1, 300) g;\n{sleep}{_ran(name)}"
    )
    rollback = (
        f"DROP TABLE {b};\n{sleep}DROP INDEX {a}_v;\n{sleep}DROP TABLE {a};\n{sleep}"
        f"DELETE FROM campaign.ran WHERE what = '{name}';\n"
    )
    return File(name, forward, rollback, _table_pieces(name, a, b))


def _table_pieces(name: str, a: str, b: str) -> tuple[str, ...]:
    return (
        f"to_regclass('{a}') IS NOT NULL",
        f"to_regclass('{b}') IS NOT NULL",
        f"to_regclass('{a}_v') IS NOT NULL",
        f"EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('{a}') AND attname = 'extra')",
        f"campaign.rows('{a}') IS NOT DISTINCT FROM 300",
        f"EXISTS (SELECT FROM campaign.ran WHERE what = '{name}')",
    )


def big(number: int) -> File:
    """Return a file that goes to the server in several messages."""
    name, table = f"20250101_{number:06d}_big", f"big_{number}"
    row = "x" * 7000
    rows = "".join(f"INSERT INTO {table} VALUES ({n}, '{row}');\n" for n in range(60))
    forward = f"CREATE TABLE {table} (id integer, v text);\n{rows}CREATE TABLE {table}_last (id integer);\n{_ran(name)}"
    return File(name, forward, f"DROP TABLE {table}, {table}_last;\n", (
        f"to_regclass('{table}') IS NOT NULL", f"campaign.rows('{table}') IS NOT DISTINCT FROM 60",
        f"to_regclass('{table}_last') IS NOT NULL", f"EXISTS (SELECT FROM campaign.ran WHERE what = '{name}')",
    ))  # fmt: skip


def copied(number: int) -> File:
    """Return a file with the rows of a COPY in it."""
    name, table = f"20250101_{number:06d}_copy", f"copy_{number}"
    rows = "".join(f"{n}\t{'y' * 200}\n" for n in range(1000))
    forward = (
        f"CREATE TABLE {table} (id integer, v text);\nCOPY {table} (id, v) FROM stdin;\n{rows}\\.\n"
        f"CREATE INDEX {table}_v ON {table} (id);\n{_ran(name)}"
    )
    return File(name, forward, f"DROP TABLE {table};\n", (
        f"to_regclass('{table}') IS NOT NULL", f"campaign.rows('{table}') IS NOT DISTINCT FROM 1000",
        f"to_regclass('{table}_v') IS NOT NULL", f"EXISTS (SELECT FROM campaign.ran WHERE what = '{name}')",
    ))  # fmt: skip


def outside(number: int) -> File:
    """Return a file that runs outside a transaction: two concurrent indexes, and rows that would show a second time.

    It fails in its middle while `campaign.gate` is empty.
    """
    name, table = f"20250101_{number:06d}_outside", f"o_{number}"
    forward = (
        f"-- migrate: no-transaction\nCREATE TABLE {table} (id integer, v integer);\n"
        f"INSERT INTO {table} SELECT g, g FROM generate_series(1, 300) g;\n"
        f"CREATE INDEX CONCURRENTLY {table}_v ON {table} (v);\n"
        "SELECT 1 / count(*) FROM campaign.gate;\n"
        f"CREATE UNIQUE INDEX CONCURRENTLY {table}_id ON {table} (id);\n{_ran(name)}"
    )
    return File(name, forward, f"DROP TABLE {table};\n", (
        f"to_regclass('{table}') IS NOT NULL", f"campaign.rows('{table}') IS NOT DISTINCT FROM 300",
        _valid(f"{table}_v"), _valid(f"{table}_id"), f"EXISTS (SELECT FROM campaign.ran WHERE what = '{name}')",
    ), outside=True, made_by=(1, 2, 3, 5, 6))  # fmt: skip


def _valid(index: str) -> str:
    return f"EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('{index}') AND indisvalid)"


@dataclass(frozen=True)
class Scenario:
    """A run of the command line. `before` brings the database to where it starts, undisturbed."""

    name: str
    files: tuple[File, ...]
    arguments: tuple[str, ...] = ("migrate",)
    before: Callable[[Bench, Scenario], None] = field(default=lambda _bench, _scenario: None)
    backwards: bool = False
    recorded_only: bool = False  # baseline: nothing of a file runs
    together: bool = False  # all or none
    first_ever: bool = False

    def prepare(self, bench: Bench) -> None:
        """Write the files and bring the database to where the scenario starts."""
        if self.first_ever:
            bench.forget_history()
        bench.clean()
        texts = {file.name: file.forward for file in self.files}
        bench.project({**texts, **{f"{file.name}_rollback": file.rollback for file in self.files}})
        self.before(bench, self)


def _apply(bench: Bench, _: Scenario) -> None:
    said = bench.run("migrate")
    assert said.succeeded, f"the state before cannot be made: {described(said)}"


def leave_unfinished(bench: Bench, scenario: Scenario) -> None:
    """Have a file that runs outside a transaction stop in its middle."""
    bench.ask("TRUNCATE campaign.gate")
    said = bench.run("migrate")
    bench.ask("INSERT INTO campaign.gate DEFAULT VALUES")
    state = bench.ask("SELECT state FROM schema_migrations")
    assert said.code == 1, described(said)
    assert state == [("unfinished",)], f"{state}; {described(said)}"


# ------------------------------------------------------------------------------------ what must be true


class Rule(enum.Enum):
    """What may be broken, in the words of the table of results."""

    PARTIAL = "partly applied"
    FALSE_RECORD = "false record"
    UNRECORDED = "applied and not recorded"
    TWICE = "ran twice"
    ORDER = "out of order"
    LOST = "lost acknowledgement"
    FALSE_CLAIM = "false claim"
    HANGS = "hangs"
    LOCKED = "lock left behind"
    LEAKED = "setting left behind in a pooler's session"
    STUCK = "the next run does not bring it to the end"


@dataclass(frozen=True)
class Broken:
    """A rule that does not hold, and what was seen."""

    rule: Rule
    seen: str


@dataclass
class Found:
    """What the database has of one file."""

    file: File
    pieces: tuple[bool, ...]
    ran: int
    state: str | None  # of its history row, None where it has none
    logged: int  # rows of the log that say that it was done, in the direction of the scenario

    @property
    def complete(self) -> bool:
        return all(self.pieces)

    @property
    def absent(self) -> bool:
        return not any(self.pieces)


def look(bench: Bench, scenario: Scenario) -> list[Found]:
    """Ask the database for everything that a scenario's rules are about."""
    # What a resumption brought to its end is logged as that.
    actions = "'rollback'" if scenario.backwards else "'baseline'" if scenario.recorded_only else "'migrate', 'resume'"
    recorded = bench.has_history
    found = []
    for file in scenario.files:
        row: tuple[object, ...] = (None, 0)
        if recorded:
            (row,) = bench.ask(
                f"SELECT (SELECT state FROM public.schema_migrations WHERE migration_name = '{file.name}'), "
                "(SELECT count(*) FROM public.schema_migrations_log "
                f"WHERE migration_name = '{file.name}' AND action IN ({actions}) AND outcome = 'done')"
            )
        (pieces,) = bench.ask(f"SELECT {file.ran}, {', '.join(file.pieces)}")
        state, logged = row
        found.append(Found(file, pieces[1:], pieces[0], str(state) if state else None, int(str(logged))))
    return found


def broken_rules(scenario: Scenario, found: Sequence[Found], said: Said) -> list[Broken]:
    """Return the rules that do not hold after a run, whatever it came to."""
    broken = []
    for each in found:
        broken += _in_the_database(scenario, each)
        broken += _as_it_said(scenario, each, said)
    applied = [each.state == "applied" for each in found]
    in_order = sorted(applied, reverse=not scenario.backwards) == applied or scenario.backwards
    if not in_order:
        broken.append(Broken(Rule.ORDER, f"applied in this order: {applied}"))
    if scenario.together and len(set(applied)) > 1:
        broken.append(Broken(Rule.PARTIAL, f"of one transaction: {applied}"))
    if said.code is None:
        broken.append(Broken(Rule.HANGS, "the runner does not end"))
    return broken


def _in_the_database(scenario: Scenario, each: Found) -> list[Broken]:
    name, seen = (
        each.file.name,
        f"{each.file.name}: pieces {each.pieces}, ran {each.ran}, {each.state}, log {each.logged}",
    )
    broken = []
    if each.ran > 1:
        broken.append(Broken(Rule.TWICE, seen))
    if scenario.recorded_only:
        if each.logged != (each.state == "applied") or not each.absent:
            broken.append(Broken(Rule.FALSE_RECORD, seen))
        return broken
    if not each.complete and not each.absent and not (each.file.outside and each.state == "unfinished"):
        broken.append(Broken(Rule.PARTIAL, seen))
    if each.state == "applied" and not each.complete:
        broken.append(Broken(Rule.FALSE_RECORD, seen))
    if each.state == "unfinished" and not each.file.outside:
        broken.append(Broken(Rule.FALSE_RECORD, seen))
    if each.state is None and not each.absent:
        broken.append(Broken(Rule.UNRECORDED, seen))
    done = each.state is None if scenario.backwards else each.state == "applied"
    if each.logged != done:
        broken.append(Broken(Rule.FALSE_RECORD if each.logged else Rule.UNRECORDED, f"{name} in the log: {seen}"))
    return broken


def _as_it_said(scenario: Scenario, each: Found, said: Said) -> list[Broken]:
    done = each.state is None if scenario.backwards else each.state == "applied"
    seen = f"{each.file.name} is {each.state}; {described(said)}"
    if (each.file.name in said.acknowledged or said.succeeded) and not done:
        return [Broken(Rule.LOST, seen)]
    changed = done or (each.file.outside and each.state == "unfinished" and scenario.arguments[0] == "migrate")
    if said.kept_nothing and changed and each.file.name not in said.acknowledged:
        return [Broken(Rule.FALSE_CLAIM, seen)]
    if each.file.outside and not _is_kept_as_said(each, said):
        return [Broken(Rule.FALSE_CLAIM, f"pieces {each.pieces}; {seen}")]
    return []


def _is_kept_as_said(each: Found, said: Said) -> bool:
    """Return whether a file outside a transaction is as far as the run said, if it did."""
    if said.unfinished and each.state != "unfinished":
        return False
    if said.kept is None:
        return True
    return all(
        there == (number <= said.kept) or (said.in_doubt and number == said.kept + 1)
        for there, number in zip(each.pieces, each.file.made_by, strict=True)
    )


def bring_to_the_end(bench: Bench, scenario: Scenario) -> list[Broken]:
    """Do what a person would do next; after it everything has to be as if nothing had happened.

    A migration that stopped outside a transaction goes on with `resume`; where that says that it cannot know whether a
    statement was done, a person looks, does the rest by hand and says so.
    """
    before = look(bench, scenario)
    unfinished = [each for each in before if each.state == "unfinished"]
    if unfinished:
        said = bench.run("resume")
        if said.code != 0 and said.unknown:
            finish_by_hand(bench, unfinished[0])
            said = bench.run("resume", "--mark-applied")
    elif scenario.backwards and not any(each.state for each in before):
        said = None
    else:
        said = bench.run(*scenario.arguments) if scenario.arguments[0] != "resume" else bench.run("migrate")
    found = look(bench, scenario)
    broken = [broken for each in found for broken in _in_the_database(scenario, each)]
    done = [each.state is None if scenario.backwards else each.state == "applied" for each in found]
    if (said is not None and said.code != 0) or not all(done):
        broken.append(Broken(Rule.STUCK, f"{[each.state for each in found]}; {described(said) if said else ''}"))
    return broken


def finish_by_hand(bench: Bench, each: Found) -> None:
    """Run the statements whose pieces are missing, as a person would who has looked."""
    statements = [line for line in each.file.forward.splitlines() if line.endswith(";") and "campaign.gate" not in line]
    for statement, there in zip(statements, each.pieces, strict=True):
        if there:
            continue
        if " INDEX " in statement:  # one that was left behind invalid
            bench.ask(f"DROP INDEX IF EXISTS {statement.partition(' CONCURRENTLY ')[2].split()[0]}")
        bench.ask(statement)


# --------------------------------------------------------------------------------------- the scenarios


def _rollback(name: str, *files: File) -> Scenario:
    return Scenario(name, files, ("rollback", "--name", files[-1].name), _apply, backwards=True)


MIGRATE_ONE = Scenario("migrate one file", (tables(1),))
MIGRATE_TWO = Scenario("migrate two files", (tables(1), tables(2)))
MIGRATE_THREE = Scenario("migrate three files", (tables(1), tables(2), tables(3)))
ATOMIC = Scenario(
    "migrate three files, --atomic", (tables(1), tables(2), tables(3)), ("migrate", "--atomic"), together=True
)
ROLLBACK = _rollback("rollback by name", tables(1))
OUTSIDE = Scenario("migrate outside a transaction", (outside(1),))
RESUME = Scenario("resume", (outside(1),), ("resume",), leave_unfinished)
BASELINE = Scenario("baseline", (tables(1), tables(2)), ("baseline", "--all"), recorded_only=True, together=True)
BIG = Scenario("migrate a file of several messages", (big(1),))
COPY = Scenario("migrate a file with rows of COPY", (copied(1),))
FIRST = Scenario("migrate, the first run ever", (tables(1, pause=0),), first_ever=True)

KILLED = (MIGRATE_ONE, MIGRATE_TWO, MIGRATE_THREE, OUTSIDE, ROLLBACK, RESUME)
WIRED = (MIGRATE_ONE, MIGRATE_THREE, ATOMIC, ROLLBACK, OUTSIDE, RESUME, BASELINE, BIG, COPY, FIRST)
