"""Doing: compare a database with what its migrations make in a scratch database. Writes to scratch databases only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from migration_manager.catalog import Catalog, Difference, differences, structure
from migration_manager.engines.base import Engine
from migration_manager.errors import HistoryError, Unfinished
from migration_manager.model import Identity, Migration, Recorded, State, Step, Task, major_of
from migration_manager.scratch import Bench, make_database, run_script


@dataclass(frozen=True, slots=True)
class DriftReport:
    """How a database differs from what its migrations make: `count` of them, on the `scratch` server.

    In each difference the first value is that of the migrations, the second that of the database.
    """

    environment: str
    identity: Identity
    scratch: str
    count: int
    differences: tuple[Difference, ...]
    ignored: int = 0  # differences that were not to be told
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """What is compared: without owners and privileges unless they are wanted, without what `ignored` means.

    Those are the names of objects with their kinds before them, in which * stands for anything.
    """

    owners: bool = False
    ignored: tuple[str, ...] = ()

    def of(self, expected: Catalog, found: Catalog) -> tuple[tuple[Difference, ...], int]:
        """Return the differences that count, and how many do not."""
        if not self.owners:
            expected, found = structure(expected), structure(found)
        every = differences(expected, found)
        counted = tuple(one for one in every if not any(fnmatchcase(one.subject, each) for each in self.ignored))
        return counted, len(every) - len(counted)


def drift(
    engine: Engine, migrations: Sequence[Migration], environment: str, bench: Bench, compared: Compared
) -> DriftReport:
    """Compare a database with what its applied migrations make, run in the order in which they were applied.

    Their texts are those that were applied: the files where they are unchanged, else what was kept. Raises
    `HistoryError` where a text is not here any more or does not run, `Unfinished` while a migration is.
    """
    recorded = engine.recorded()
    tasks = as_applied(engine, recorded, migrations, bench)
    return compare(engine, tasks, environment, bench, compared)


def as_applied(engine: Engine, recorded: Recorded, migrations: Sequence[Migration], bench: Bench) -> tuple[Task, ...]:
    """Return what is applied, ready to run as it was applied."""
    stopped = tuple(row.name for row in recorded.applied if row.state is State.UNFINISHED)
    if stopped:
        raise Unfinished(
            f"{stopped[0]} is unfinished: what it has made so far is neither there nor not there",
            names=stopped,
            hint="`resume` it first",
        )
    files = {migration.name: migration for migration in migrations}
    return tuple(bench.preparer.as_applied(row, files.get(row.name), engine.kept_texts) for row in recorded.applied)


def compare(engine: Engine, tasks: Sequence[Task], environment: str, bench: Bench, compared: Compared) -> DriftReport:
    """Compare a database with what tasks make that run one after another in a scratch database."""
    actual = engine.catalog()  # first: where there is none, nothing need be made to compare it with
    database = make_database(bench)
    roles = bench.scratch.roles()
    try:
        with bench.scratch.open(database, bench.settings) as made:
            made.ensure_history(bench.run)
            for task in tasks:
                if failure := run_script(bench, made, task):
                    raise HistoryError(
                        f"{task.name} is applied and fails in a scratch database: {failure.in_words}",
                        names=(task.name,),
                        hint="`prove` shows more; a migration may rest on what was there before the first one",
                    )
            expected = made.catalog()
    finally:
        bench.scratch.drop(database)
        bench.scratch.drop_roles(bench.scratch.roles() - roles)
    found, ignored = compared.of(expected, actual)
    identity = engine.identify()
    version = bench.scratch.version
    notes = () if major_of(version) == major_of(identity.version) else (_other_version(version, identity),)
    return DriftReport(environment, identity, bench.scratch.shown, len(tasks), found, ignored, notes)


def in_words(difference: Difference) -> str:
    """Return a difference from what the migrations make for people, as `Difference.in_words` does."""
    return difference.in_words(missing="is missing", extra="is not made by any migration")


def steps_as_tasks(steps: Sequence[Step], bench: Bench) -> tuple[Task, ...]:
    """Return planned steps, ready to run."""
    return tuple(bench.preparer.forward(step, require_rollback=False) for step in steps)


def _other_version(version: str, identity: Identity) -> str:
    return (
        f"the scratch server is {identity.engine} {version}, this one {identity.version}: each writes some definitions"
        f" in its own words, which is no drift; set `scratch_url` to a server of version {major_of(identity.version)}"
    )
