"""The two samples live their whole life through the commands, and every rollback of theirs is exact."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.cli import REPOSITORY, Project, plain_environment
from tests.fixtures.programs import comparable
from tests.fixtures.targets import PostgresTarget

pytestmark = pytest.mark.e2e

SAMPLE = REPOSITORY / "migrations"
TWIN = REPOSITORY / "tests" / "data" / "sqlite_sample"


def names_in(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.sql") if not path.stem.endswith("_rollback"))


@pytest.fixture
def sample(project: Project) -> Project:
    """Return a project with the sample for its engine: the repository's own, or its SQLite twin."""
    shutil.copytree(SAMPLE if project.on_postgres else TWIN, project.migrations, dirs_exist_ok=True)
    return project


@pytest.fixture
def names(sample: Project) -> list[str]:
    """Return the names of the sample's migrations, in order."""
    return names_in(sample.migrations)


def pg_dump(server_major: int) -> Path | None:
    """Return a pg_dump that can read a server of this age; None where there is none."""
    from migration_manager import embedded
    from migration_manager.errors import ConfigError

    try:
        program = embedded.binaries() / "pg_dump"
    except ConfigError:
        return None
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    major = re.search(r"\d+", told)
    return program if major and int(major[0]) >= server_major else None


CATALOG = (
    (
        "SELECT c.relkind::text, c.relname::text, a.attnum, a.attname::text, format_type(a.atttypid, a.atttypmod),"
        " a.attnotnull, pg_get_expr(d.adbin, d.adrelid) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum"
        " WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped"
        " AND c.relname !~ '^schema_migrations' ORDER BY 2, 3"
    ),
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename !~ '^schema_migrations' ORDER BY 1",
    (
        "SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text !~ '^schema_migrations'"
        " ORDER BY 1, 2"
    ),
    "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1",
    "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
    "SELECT viewname::text, definition FROM pg_views WHERE schemaname = 'public' ORDER BY 1",
    (
        "SELECT t.typname::text, e.enumlabel::text, e.enumsortorder FROM pg_type t"
        " JOIN pg_enum e ON e.enumtypid = t.oid ORDER BY 1, 3"
    ),
)


def schema(project: Project) -> object:
    """Return everything a migration can make, without the tool's own tables, in a form that compares."""
    if not isinstance(project.target, PostgresTarget):
        return project.rows(
            "SELECT type, name, sql FROM sqlite_master WHERE tbl_name NOT LIKE 'schema_migrations%' ORDER BY 1, 2"
        )
    ((version,),) = project.rows("SELECT current_setting('server_version_num')::int")
    program = pg_dump(version // 10000)
    if program is None:
        return [project.rows(query) for query in CATALOG]
    dumped = subprocess.run(
        [
            program,
            "--schema-only",
            "--exclude-table=public.schema_migrations*",
            f"--dbname={project.target.database.url}",
        ],
        capture_output=True,
        text=True,
        check=True,
        env=plain_environment(),
    )
    return comparable(dumped.stdout)


def test_the_sample_migrates_in_order_and_then_has_nothing_to_do(sample: Project, names: list[str]) -> None:
    outcome = sample.process("migrate")
    assert outcome.code == 0, outcome.text
    assert sample.applied() == names
    assert f"{len(names)} applied" in outcome.out
    assert "warning" not in outcome.err
    assert "nothing to do: everything is applied." in sample.process("migrate").out
    assert sample.process("status", "--check").code == 0
    assert f"{len(names)} applied migrations agree" in sample.process("verify").out


def test_the_sample_rolls_back_by_name_and_reports_the_same_way(sample: Project) -> None:
    assert sample.process("migrate").code == 0
    newest = sample.applied()[-1]
    outcome = sample.process("rollback", "--name", newest)
    assert outcome.code == 0, outcome.text
    assert re.search(rf"rolled back +{newest}", outcome.out)
    status = sample.process("status")
    assert re.search(rf"{newest} +pending", status.out)
    history = sample.process("history", "--name", newest)
    assert [line.split()[2:4] for line in history.out.splitlines()] == [["migrate", "done"], ["rollback", "done"]]


def test_the_incident_of_the_readme(sample: Project) -> None:
    assert sample.process("migrate").code == 0
    before = sample.everything()
    preview = sample.process("rollback", "--name", "add_user_preferences", "--dry-run")
    assert preview.code == 0
    assert sample.everything() == before
    outcome = sample.process("rollback", "--name", "add_user_preferences")
    assert outcome.code == 0, outcome.text
    assert "20241227_101500_add_user_preferences" not in sample.applied()


def test_rolling_everything_back_leaves_no_object_and_it_migrates_again(sample: Project, names: list[str]) -> None:
    empty = schema(sample)
    sample.ok("migrate")
    full = schema(sample)
    assert full != empty
    outcome = sample.process("rollback", "--all")
    assert outcome.code == 0, outcome.text
    assert sample.applied() == []
    assert schema(sample) == empty
    assert sample.process("migrate").code == 0
    assert sample.applied() == names
    assert schema(sample) == full


def test_every_rollback_of_the_sample_is_exact(sample: Project, names: list[str]) -> None:
    for name in names:
        before = schema(sample)
        sample.ok("migrate", "--to", name)
        after = schema(sample)
        sample.ok("rollback", "--name", name)
        assert schema(sample) == before, name
        sample.ok("migrate", "--to", name)
        assert schema(sample) == after, name


@pytest.mark.postgres
def test_every_rollback_of_the_sample_is_exact_in_the_catalog(
    postgres_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.pg_dump", lambda _major: None)
    shutil.copytree(SAMPLE, postgres_project.migrations, dirs_exist_ok=True)
    for name in names_in(SAMPLE):
        before = schema(postgres_project)
        postgres_project.ok("migrate", "--to", name)
        postgres_project.ok("rollback", "--name", name)
        assert schema(postgres_project) == before, name
        postgres_project.ok("migrate", "--to", name)


@pytest.mark.parametrize("folder", [SAMPLE, TWIN], ids=["migrations", "sqlite_sample"])
def test_a_sample_has_a_rollback_script_for_each_and_a_header(folder: Path) -> None:
    names = names_in(folder)
    assert len(names) >= (8 if folder is SAMPLE else 5)
    for name in names:
        assert (folder / f"{name}_rollback.sql").is_file()
        for path in (folder / f"{name}.sql", folder / f"{name}_rollback.sql"):
            text = path.read_bytes()
            assert b"\r" not in text
            assert f"-- migration: {name}".encode() in text.splitlines()[0]


def test_production_takes_the_sample_with_all_its_rules(sample: Project, names: list[str]) -> None:
    sample.set("production", require_rollback=True, out_of_order="refuse", lock_timeout="3s", statement_timeout="15min")
    outcome = sample.process("migrate", "--env", "production", "--yes", "--confirm", sample.database)
    assert outcome.code == 0, outcome.text
    assert sample.applied() == names
