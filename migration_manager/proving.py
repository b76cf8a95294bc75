"""Doing: prove in a scratch database that rollback scripts restore what their migrations changed.

Every migration goes up, down, and up again, by the very way in which `migrate` and `rollback` run it, each script in a
transaction of its own that is committed; the catalog is read after each. While all is restored one database serves for
all of them. After one that is not, a second one that only ever went up is copied.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol, Self

from migration_manager.catalog import Catalog, differences
from migration_manager.engines.base import Engine, ScratchRows
from migration_manager.errors import ConfigError, GuardRefused, NoRollbackScript
from migration_manager.model import Direction, Migration, Step, Task
from migration_manager.prepare import no_texts
from migration_manager.proof import Failure, Proof, Stage, Trial, Verdict, judge
from migration_manager.rows import Rows, lost
from migration_manager.scratch import Bench, make_database, run_script


class Observer(Protocol):
    """Who is told what a proof does, while it does it."""

    def proving(self, name: str, number: int, total: int) -> None: ...

    def proved(self, proof: Proof) -> None: ...


def prove(
    bench: Bench, migrations: Sequence[Migration], chosen: Collection[str], observer: Observer
) -> tuple[Proof, ...]:
    """Prove those of the migrations, which are all there are, in order, that are chosen by name; the others only go up.

    Stops after a migration that itself fails: what comes after it cannot be tried. Raises `ConfigError` where the
    scratch server lacks what a script asks of it, and what reading the scripts raises.
    """
    proofs: list[Proof] = []
    with Track(bench, migrations) as track:
        last = max((number for number, one in enumerate(migrations) if one.name in chosen), default=-1)
        for number, migration in enumerate(migrations[: last + 1]):
            if migration.name in chosen:
                observer.proving(migration.name, len(proofs) + 1, len(chosen))
                trial = track.try_out(number)
            elif (failure := track.forward(number)) is not None:
                trial = replace(track.about(migration), stopped=Stage.UP, failure=failure)
            else:
                continue
            proof = judge(trial)
            observer.proved(proof)
            proofs.append(proof)
            if trial.stopped is Stage.UP:
                break
    return tuple(proofs)


@dataclass(slots=True)
class Database:
    """A scratch database that is open, and how many migrations it has behind it."""

    name: str
    engine: Engine
    rows: ScratchRows | None
    closing: ExitStack
    applied: int = 0
    roles: frozenset[str] = field(default_factory=frozenset)

    def planted(self, catalog: Catalog) -> Rows:
        """Plant rows where there are none, and return those of all tables."""
        if self.rows is not None:
            self.rows.plant(catalog)
        return self.rows_now(catalog)

    def rows_now(self, catalog: Catalog) -> Rows:
        """Return the rows of all tables; none where they are not looked at."""
        return {} if self.rows is None else self.rows.read(catalog)


class Track:
    """The databases of one proof, and where they stand."""

    def __init__(self, bench: Bench, migrations: Sequence[Migration]) -> None:
        self._bench = bench
        self._migrations = migrations
        self._trial: Database | None = None  # where things are tried; stands where all that was proved has gone up
        self._copied: Database | None = None  # where nothing was ever tried
        self._catalog: Catalog | None = None  # of the first, as it stands
        self._roles = bench.scratch.roles()  # before anything was tried

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._drop(self._trial)
        self._drop(self._copied)
        self._trial = self._copied = None
        self._forget_roles(self._roles)

    # ----------------------------------------------------------------------------------- going on

    def forward(self, number: int) -> Failure | None:
        """Let the migration of that number go up, without trying anything; return how it failed, where it did."""
        self._catalog = None
        database = self.at(number)
        failure = self._run(database, self.task(number))
        database.applied = number + 1
        return failure

    def try_out(self, number: int) -> Trial:
        """Try the migration of that number: up, down, up again."""
        began = time.monotonic()
        trial = self._tried(number, self.about(self._migrations[number]))
        return replace(trial, seconds=time.monotonic() - began)

    def about(self, migration: Migration) -> Trial:
        """Return a trial in which nothing was tried yet."""
        path = migration.rollback_path
        return Trial(migration.name, migration.source.path, None if path is None else self._bench.preparer.shown(path))

    def _tried(self, number: int, trial: Trial) -> Trial:
        database = self.at(number)
        before = self._catalog if self._catalog is not None else database.engine.catalog()
        rows_before = database.planted(before)
        forward = self.task(number)
        self._catalog = None
        script = forward.change.script
        trial = replace(trial, acceptances=script.directives.accepted if script else ())
        if (failure := self._run(database, forward)) and not rows_before:
            return replace(trial, stopped=Stage.UP, failure=failure)
        if failure:
            # What a history of years ran on may have been empty then; whether it runs without rows decides.
            self._begin_anew()
            database = self.at(number)
            if failure_anyway := self._run(database, forward):
                return replace(trial, stopped=Stage.UP, failure=failure_anyway)
            trial = replace(trial, notes=(f"fails where the tables hold rows: {failure.in_words}",))
            rows_before = {}
        database.applied = number + 1
        try:
            back = self._bench.preparer.back(self._step(Direction.BACK, number), no_texts)
        except GuardRefused:
            return replace(trial, declared=script.directives.irreversible if script else None)
        except NoRollbackScript:
            missing = Verdict.NO_SCRIPT if trial.rollback_path is None else Verdict.NO_STATEMENT
            return replace(trial, missing=missing)
        if back.change.script is not None:
            trial = replace(trial, acceptances=trial.acceptances + back.change.script.directives.accepted)
        after = database.engine.catalog()
        if failure := self._run(database, back):
            self._begin_anew()
            return replace(trial, stopped=Stage.DOWN, failure=failure)
        restored = database.engine.catalog()
        rows = lost(rows_before, database.rows_now(restored))
        trial = replace(trial, down=differences(before, restored), rows=rows)
        if failure := self._run(database, forward):
            self._begin_anew()
            return replace(trial, stopped=Stage.AGAIN, failure=failure)
        self._catalog = database.engine.catalog()
        again = differences(after, self._catalog)
        if again:
            self._begin_anew()
        return replace(trial, again=again)

    # -------------------------------------------------------------------------------------- scripts

    def _step(self, direction: Direction, number: int) -> Step:
        migration = self._migrations[number]
        return Step(direction, migration.name, migration, None)

    def task(self, number: int) -> Task:
        """Return the migration of that number, ready to go up."""
        return self._bench.preparer.forward(self._step(Direction.FORWARD, number), require_rollback=False)

    def _run(self, database: Database, task: Task) -> Failure | None:
        return run_script(self._bench, database.engine, task)

    # ------------------------------------------------------------------------------------ databases

    def at(self, number: int) -> Database:
        """Return the database where things are tried, as so many migrations have left it."""
        if self._trial is None:
            self._trial = self._copy(number) if number or self._bench.schema else self._made()
        return self._trial

    @contextmanager
    def aside(self, number: int) -> Iterator[Database]:
        """Have a copy of that database for what cannot be undone in it."""
        self._trial, copy = self._duplicated(self.at(number))
        try:
            yield copy
        finally:
            self._drop(copy)

    def _begin_anew(self) -> None:
        """Give up the database where something was tried that did not come back."""
        self._drop(self._trial)
        self._trial = self._catalog = None

    def _copy(self, number: int) -> Database:
        """Return a copy of a database where so many migrations went up, and nothing else was done."""
        bench = self._bench
        if self._copied is None:
            # Where it begins with a schema, nothing was tried before; else roles may have been made by what was.
            made = self._made()
            self._copied = replace(made, roles=bench.scratch.roles() if bench.schema else self._roles)
        source = self._copied
        self._forget_roles(source.roles)  # those made since would be in the way of who makes them
        for each in range(source.applied, number):
            if failure := self._run(source, self.task(each)):
                raise ConfigError(
                    f"{failure.path} succeeded and then failed in another scratch database: {failure.message}",
                    hint="it depends on what is outside of its database: a role, a tablespace, another database",
                )
        source.applied, source.roles = number, bench.scratch.roles()
        self._copied, copy = self._duplicated(source)
        return copy

    def _duplicated(self, source: Database) -> tuple[Database, Database]:
        """Return a database, opened anew, and a copy of it."""
        source.closing.close()  # nobody may have open what is copied
        copy = self._opened(self._bench.scratch.make(source.name))
        copy.applied = source.applied
        return replace(self._opened(source.name), applied=source.applied, roles=source.roles), copy

    def _made(self) -> Database:
        database = self._opened(make_database(self._bench))
        database.engine.ensure_history(self._bench.run)
        return database

    def _opened(self, name: str) -> Database:
        closing = ExitStack()
        bench = self._bench
        engine = closing.enter_context(bench.scratch.open(name, bench.settings))
        rows = bench.scratch.rows(name, bench.settings) if bench.plants_rows else None
        if rows is not None:
            closing.callback(rows.close)
        return Database(name, engine, rows, closing)

    def _forget_roles(self, but: frozenset[str]) -> None:
        self._bench.scratch.drop_roles(self._bench.scratch.roles() - but)

    def _drop(self, database: Database | None) -> None:
        if database is not None:
            database.closing.close()
            self._bench.scratch.drop(database.name)
