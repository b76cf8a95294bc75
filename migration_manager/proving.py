"""Doing: prove in a scratch database that rollback scripts restore what their migrations changed.

Every migration goes up, down, and up again, by the very way in which `migrate` and `rollback` run it, each script in a
transaction of its own that is committed; the catalog is read after each. While all is restored one database serves for
all of them. After one that is not, a second one that only ever went up is copied.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, Self

from migration_manager import aftermath
from migration_manager.catalog import Catalog, differences
from migration_manager.engines.base import Engine, Scratch, SessionSettings
from migration_manager.errors import ConfigError, GuardRefused, MigrationFailed, NoRollbackScript, SqlFailed
from migration_manager.locate import locate
from migration_manager.model import Direction, Migration, Run, RunReport, Script, Step, Task
from migration_manager.prepare import Preparer, no_texts
from migration_manager.proof import Failure, Proof, Stage, Trial, Verdict, judge

_MISSING_ROLE: Final = re.compile(r'role "(?P<name>(?:[^"]|"")+)" does not exist')
_NO_SUCH_OBJECT: Final = "42704"
_MOST_ROLES: Final = 50  # that one script may name before something else is wrong
_LACKS_EXTENSION: Final = re.compile(
    r'extension "(?P<name>[^"]+)" is not available|extension control file "[^"]*/(?P<file>[^"/]+)\.control"'
)


class Observer(Protocol):
    """Who is told what a proof does, while it does it."""

    def proving(self, name: str, number: int, total: int) -> None: ...

    def proved(self, proof: Proof) -> None: ...

    def warned(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Bench:
    """What a proof works with: where databases are made, how they are opened, and whose scripts run there.

    `schema` is what the first migration begins with; None is an empty database.
    """

    scratch: Scratch
    settings: SessionSettings
    preparer: Preparer
    run: Run
    observer: Observer
    schema: Script | None = None


def prove(bench: Bench, migrations: Sequence[Migration], chosen: Collection[str]) -> tuple[Proof, ...]:
    """Prove those of the migrations, which are all there are, in order, that are chosen by name; the others only go up.

    Stops after a migration that itself fails: what comes after it cannot be tried. Raises `ConfigError` where the
    scratch server lacks what a script asks of it, and what reading the scripts raises.
    """
    proofs: list[Proof] = []
    with Track(bench, migrations) as track:
        last = max((number for number, one in enumerate(migrations) if one.name in chosen), default=-1)
        for number, migration in enumerate(migrations[: last + 1]):
            if migration.name in chosen:
                bench.observer.proving(migration.name, len(proofs) + 1, len(chosen))
                trial = track.try_out(number)
            elif (failure := track.forward(number)) is not None:
                trial = replace(track.about(migration), stopped=Stage.UP, failure=failure)
            else:
                continue
            proof = judge(trial)
            bench.observer.proved(proof)
            proofs.append(proof)
            if trial.stopped is Stage.UP:
                break
    return tuple(proofs)


@dataclass(slots=True)
class Database:
    """A scratch database that is open, and how many migrations it has behind it."""

    name: str
    engine: Engine
    closing: ExitStack
    applied: int = 0
    roles: frozenset[str] = field(default_factory=frozenset)


class Track:
    """The databases of one proof, and where they stand."""

    def __init__(self, bench: Bench, migrations: Sequence[Migration]) -> None:
        self._bench = bench
        self._migrations = migrations
        self._trial: Database | None = None  # where things are tried; stands where all that was proved has gone up
        self._copied: Database | None = None  # where nothing was ever tried
        self._catalog: Catalog | None = None  # of the first, as it stands

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._drop(self._trial)
        self._drop(self._copied)
        self._trial = self._copied = None

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
        forward = self.task(number)
        self._catalog = None
        script = forward.change.script
        trial = replace(trial, acceptances=script.directives.accepted if script else ())
        if failure := self._run(database, forward):
            return replace(trial, stopped=Stage.UP, failure=failure)
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
        down = differences(before, database.engine.catalog())
        if failure := self._run(database, forward):
            self._begin_anew()
            return replace(trial, stopped=Stage.AGAIN, failure=failure, down=down)
        self._catalog = database.engine.catalog()
        again = differences(after, self._catalog)
        if again:
            self._begin_anew()
        return replace(trial, down=down, again=again)

    # -------------------------------------------------------------------------------------- scripts

    def _step(self, direction: Direction, number: int) -> Step:
        migration = self._migrations[number]
        return Step(direction, migration.name, migration, None)

    def task(self, number: int) -> Task:
        return self._bench.preparer.forward(self._step(Direction.FORWARD, number), require_rollback=False)

    def _run(self, database: Database, task: Task) -> Failure | None:
        """Run a script as a run of `migrate` or `rollback` would; return how it failed, None where it did not."""
        run = self._bench.run

        def do() -> None:
            if task.outside_transaction:
                database.engine.run_outside_transaction(run, task.change)
            else:
                database.engine.transact(run, [task.change])

        try:
            self.with_roles(task.name, do)
        except SqlFailed as error:
            return self.failure(task, error)
        return None

    def with_roles(self, name: str, do: Callable[[], None], because: str = "no migration makes it") -> None:
        """Run a script; a role that it names and that nobody has made, because roles belong to a server, is made.

        Raises the `SqlFailed` of anything else.
        """
        bench = self._bench
        for _ in range(_MOST_ROLES):
            try:
                do()
            except SqlFailed as error:
                role = self._missing_role(error)
                if role is None or error.kept:  # what is half done cannot be done again
                    raise
                bench.scratch.make_role(role)
                bench.observer.warned(f"the role {role} was made in the scratch server: {because}")
            else:
                return
        raise ConfigError(f"{name} names more than {_MOST_ROLES} roles that do not exist")

    def _missing_role(self, error: SqlFailed) -> str | None:
        if error.code != _NO_SUCH_OBJECT or not self._bench.scratch.owned:
            return None
        found = _MISSING_ROLE.search(error.message)
        return None if found is None else found["name"].replace('""', '"')

    def failure(self, task: Task, error: SqlFailed) -> Failure:
        """Return how a script failed. Raises `ConfigError` for an extension that the scratch server lacks."""
        failed = aftermath.failure(task, [task], error, RunReport(self._bench.run.id))
        path = task.change.script.source.path if task.change.script else task.name
        line = column = None
        if isinstance(failed, MigrationFailed):
            path, line, column = failed.path, failed.line, failed.column
        self._refuse_without_extension(error, path if line is None else f"{path}:{line}")
        return Failure(error.message, path, line, column, error.code)

    def _refuse_without_extension(self, error: SqlFailed, place: str) -> None:
        if found := _LACKS_EXTENSION.search(error.message):
            raise ConfigError(
                f"the scratch server ({self._bench.scratch.shown}) has no extension {found['name'] or found['file']},"
                f" which {place} creates",
                hint="set `scratch_url` to a server that has it, or to a container, as in"
                ' scratch_url = "testcontainers:postgis/postgis:17-3.5"',
            )

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
        source = self._copied or self._made()
        self._copied = source
        bench.scratch.drop_roles(bench.scratch.roles() - source.roles)  # they would be in the way of who makes them
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
        name = self._bench.scratch.make()
        try:
            if self._bench.schema is not None:
                self._fill(name, self._bench.schema)
            database = self._opened(name)
        except BaseException:
            self._bench.scratch.drop(name)
            raise
        database.engine.ensure_history(self._bench.run)
        return database

    def _fill(self, name: str, schema: Script) -> None:
        path = schema.source.path
        try:
            self.with_roles(path, lambda: self._bench.scratch.fill(name, schema), f"{path} names it")
        except SqlFailed as error:
            self._refuse_without_extension(error, path)
            place = None if error.offset is None else locate(schema.source.read(), error.offset)
            raise ConfigError(
                f"{path} does not run on the scratch server ({self._bench.scratch.shown}): {error.message}"
                + ("" if place is None else f"\n{place.excerpt}"),
                hint="set `scratch_url` to a server of the environment's version",
            ) from None

    def _opened(self, name: str) -> Database:
        closing = ExitStack()
        engine = closing.enter_context(self._bench.scratch.open(name, self._bench.settings))
        return Database(name, engine, closing, roles=self._bench.scratch.roles())

    def _drop(self, database: Database | None) -> None:
        if database is not None:
            database.closing.close()
            self._bench.scratch.drop(database.name)
