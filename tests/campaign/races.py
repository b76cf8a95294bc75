"""Many runners at the same moment on the same database, directly and through PgBouncer in each of its modes."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from tests.campaign.bench import PATIENCE, Bench, described
from tests.campaign.claims import Said
from tests.campaign.launcher import COMMAND_LINE
from tests.campaign.scenarios import Broken, Rule
from tests.campaign.tally import Tally
from tests.fixtures.bouncers import PoolMode

WAYS = (None, *PoolMode)  # None: directly
_REFUSED = (2, 6)
_SECONDS = 0.03  # each runner may take for each file, on a busy machine


@dataclass(frozen=True)
class Field:
    """How many runners race for how many files."""

    runners: int
    files: int


def race(field: Field, bench: Bench, seed: int, first: int, count: int) -> Tally:
    """Race; a try is one round of one way."""
    tally = Tally()
    for number in range(first, first + count):
        way = WAYS[number % len(WAYS)]
        names = _prepare(bench, field.files)
        said = _run(bench, field, way, COMMAND_LINE)
        refuses = way is PoolMode.STATEMENT
        broken = _refusals(bench, said) if refuses else _exactly_once(bench, names, said)
        broken += _left_behind(bench, way)
        _empty_pool(bench, way)
        what = "direct" if way is None else f"PgBouncer, {way.value}"
        replay = f"races --seed {seed} --first {number} --tries 1"
        tally.note(f"{field.runners} x {field.files}, {what}", broken, effective=True, replay=replay)
    return tally


def race_control(field: Field, bench: Bench, seed: int, first: int, count: int) -> Tally:
    """Race a design that trusts a session's lock, through a pooler that shares sessions."""
    tally = Tally()
    for number in range(first, first + count):
        names = _prepare(bench, field.files)
        bench.ask("DROP TABLE IF EXISTS campaign.recorded; CREATE TABLE campaign.recorded (what text)")
        _run(bench, field, PoolMode.TRANSACTION, "session lock")
        broken = _ran_once(bench, names)
        bench.ask("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        _empty_pool(bench, PoolMode.TRANSACTION)
        replay = f"races-control --seed {seed} --first {number} --tries 1"
        tally.note(f"{field.runners} x {field.files}, PgBouncer, transaction", broken, effective=True, replay=replay)
    return tally


def _prepare(bench: Bench, files: int) -> list[str]:
    bench.clean()
    names = [f"{number:06d}_raced" for number in range(files)]
    # No object of a name: a second run of a file is to be seen, not to fail.
    bench.project({name: f"INSERT INTO campaign.ran (what) VALUES ('{name}');\n" for name in names})
    return names


def _run(bench: Bench, field: Field, way: PoolMode | None, program: str) -> list[Said]:
    through = bench.database if way is None else bench.bouncer(way).through(bench.database)
    # Those that come late must be served as well: how long they wait is not what is raced for.
    arguments = ("migrate", "--lock-wait", "300s") if program == COMMAND_LINE else ("migrate",)
    started = [bench.start(*arguments, through=through, program=program) for _ in range(field.runners)]
    end = time.monotonic() + PATIENCE + field.runners * field.files * _SECONDS
    return [bench.said(runner, max(0.0, end - time.monotonic())) for runner in started]


def _exactly_once(bench: Bench, names: list[str], said: list[Said]) -> list[Broken]:
    broken = _ran_once(bench, names)
    failed = [described(each) for each in said if each.code != 0]
    if failed:
        hangs = any(each.code is None for each in said)
        broken.append(Broken(Rule.HANGS if hangs else Rule.STUCK, f"{len(failed)} runners fail: {failed[0]}"))
    if not bench.has_history:
        return [*broken, Broken(Rule.STUCK, "there is no history")]
    history = [name for (name,) in bench.ask(
        "SELECT migration_name FROM public.schema_migrations WHERE state = 'applied' ORDER BY log_id"
    )]  # fmt: skip
    if history != names:
        broken.append(Broken(Rule.FALSE_RECORD, f"history has {len(history)} of {len(names)}, or another order"))
    logged = bench.value(
        "SELECT count(*) FROM public.schema_migrations_log WHERE action = 'migrate' AND outcome = 'done'"
    )
    if logged != len(names):
        broken.append(Broken(Rule.FALSE_RECORD, f"{logged} rows in the log"))
    told = Counter(name for each in said for name in each.acknowledged)
    if set(told) != set(names) or max(told.values()) > 1:
        broken.append(
            Broken(Rule.FALSE_CLAIM, f"told by other than one runner: {told.most_common(2)}, {len(told)} told")
        )
    return broken


def _ran_once(bench: Bench, names: list[str]) -> list[Broken]:
    ran = [what for (what,) in bench.ask("SELECT what FROM campaign.ran ORDER BY id")]
    twice = [name for name, times in Counter(ran).items() if times > 1]
    broken = []
    if twice:
        broken.append(Broken(Rule.TWICE, f"{len(twice)} of {len(names)} files, {twice[0]} among them"))
    if list(dict.fromkeys(ran)) != [name for name in names if name in set(ran)]:
        broken.append(Broken(Rule.ORDER, f"{ran[:10]}"))
    if missing := set(names) - set(ran):
        broken.append(Broken(Rule.STUCK, f"{len(missing)} files never ran"))
    return broken


def _refusals(bench: Bench, said: list[Said]) -> list[Broken]:
    """Where nothing can be safe every runner has to refuse, and nothing may be written."""
    broken = []
    other = [described(each) for each in said if each.code not in _REFUSED or "pool" not in each.err]
    if other:
        broken.append(Broken(Rule.FALSE_CLAIM, f"{len(other)} runners do not refuse: {other[0]}"))
    written = bench.value("SELECT count(*) FROM campaign.ran")
    if bench.has_history:
        written += bench.value("SELECT count(*) FROM public.schema_migrations_log")
    if written:
        broken.append(Broken(Rule.PARTIAL, f"{written} rows were written"))
    return broken


def _left_behind(bench: Bench, way: PoolMode | None) -> list[Broken]:
    """Return what the runners left to those who come after them in the pooler's sessions."""
    broken = []
    if bench.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"):
        broken.append(Broken(Rule.LOCKED, "an advisory lock"))
        bench.ask("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
    if way is None or way is PoolMode.STATEMENT:
        return broken
    asked = ("default_transaction_read_only", "search_path", "lock_timeout", "role")
    with bench.database.connect() as direct, bench.bouncer(way).through(bench.database).connect() as pooled:
        for name in asked:
            ours, theirs = (each.execute(f"SHOW {name}".encode()).fetchone() for each in (direct, pooled))
            if ours != theirs:
                broken.append(Broken(Rule.LEAKED, f"{name} is {theirs}, not {ours}"))
    return broken


def _empty_pool(bench: Bench, way: PoolMode | None) -> None:
    """Have the pooler end its sessions, which would pass for a runner's, and begin anew the next time."""
    if way is not None:
        bench.bouncer(way).admin("RECONNECT")
        bench.wait_until_alone()
