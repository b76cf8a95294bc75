"""Files and names that no careful person would make, through the command line (C8)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fixtures.cli import FIVE, TASKS, USERS, Project, on_sqlite
from tests.fixtures.own_projects import slowly


@pytest.mark.parametrize("name", ["CON", "nul", "com1", "lpt9", "aux"])
@on_sqlite
def test_a_name_that_windows_keeps_for_itself_is_no_migration(project: Project, name: str) -> None:
    project.write(name, "SELECT 1;\n")
    assert f"{name}.sql" in project.refuses(2, "migrate").err


@pytest.mark.parametrize(
    "name",
    [
        b"20250101_100000_a'b.sql",
        b'20250101_100000_a"b.sql',
        b"20250101_100000_a\nb.sql",
        b"20250101_100000_\x1b[31mred.sql",
        "20250101_100000_🚀.sql".encode(),
        b"20250101_100000_\xff\xfe.sql",
        b"20250101_100000_" + b"x" * 235 + b".sql",
        b"20250101_100000_a..sql",
        b"20250101_100000_a b.sql",
    ],
    ids=["quote", "double quote", "newline", "escape", "emoji", "no unicode", "255 bytes", "dots", "blank"],
)
@on_sqlite
def test_a_hostile_name_is_refused_in_one_harmless_line(project: Project, name: bytes) -> None:
    project.write_tables(USERS)
    Path(os.fsdecode(os.fsencode(project.migrations) + b"/" + name)).write_text("SELECT 1;\n")
    refused = project.refuses(2, "migrate")
    assert "20250101_100000_" in refused.err
    assert "\x1b" not in refused.err
    assert len([line for line in refused.err.splitlines() if "20250101_100000_" in line]) == 1


@on_sqlite
def test_a_name_cannot_lead_out_of_the_folder(project: Project) -> None:
    project.write_tables(USERS)
    (project.root / "20250101_100001_outside.sql").write_text("SELECT 1;\n")
    for typed in ("../20250101_100001_outside", "..", f"{project.root}/20250101_100001_outside"):
        outcome = project.run("migrate", "--to", typed)
        assert outcome.code in (2, 4), outcome.text
        assert "Traceback" not in outcome.text
    assert project.applied() == []


@pytest.mark.parametrize("kind", ["folder", "fifo", "loop", "outside", "device"])
@on_sqlite
def test_what_is_no_file_of_the_folder_is_refused_without_waiting(project: Project, kind: str) -> None:
    project.write_tables(USERS)
    odd = project.file(TASKS)
    if kind == "folder":
        odd.mkdir()
    elif kind == "fifo":
        os.mkfifo(odd)
    elif kind == "loop":
        odd.symlink_to(odd)
    else:
        odd.symlink_to("/dev/zero" if kind == "device" else project.root / "migration_manager.toml")
    refused = project.process("migrate")
    assert refused.code == 2, refused.text
    assert f"{TASKS}.sql" in refused.err
    assert project.applied() == []


@pytest.mark.postgres
def test_a_file_that_is_deleted_after_it_was_read_runs_as_it_was_or_is_named(postgres_project: Project) -> None:
    project = postgres_project
    project.write_tables()
    last = FIVE[-1]
    with slowly(project, 0.5) as runner:
        while not project.has_table("users"):
            assert runner.poll() is None
        project.delete(last)
        out, err = runner.communicate(timeout=60)
    assert "Traceback" not in err
    if runner.returncode == 0:
        assert project.applied() == list(FIVE)
        assert project.has_table("files")
    else:
        assert runner.returncode in (1, 2), out + err
        assert f"{last}.sql" in err
        assert project.applied() == list(FIVE[:-1])
        assert not project.has_table("files")


@pytest.mark.postgres
@pytest.mark.parametrize("forward", ["", "-- migrate: no-transaction\n"], ids=["transaction", "no-transaction"])
@pytest.mark.parametrize("back", ["", "-- migrate: no-transaction\n"], ids=["transaction", "no-transaction"])
def test_each_half_of_a_pair_has_a_header_of_its_own(postgres_project: Project, forward: str, back: str) -> None:
    project = postgres_project
    project.write_tables(USERS)
    project.ok("migrate")
    concurrently = ("CONCURRENTLY " if forward else "", "CONCURRENTLY " if back else "")
    project.write(
        TASKS,
        f"{forward}CREATE INDEX {concurrently[0]}tasks ON users (id);\n",
        f"{back}DROP INDEX {concurrently[1]}tasks;\n",
    )
    project.ok("migrate")
    assert project.applied() == [USERS, TASKS]
    project.ok("rollback", "--name", TASKS)
    assert project.applied() == [USERS]
    assert not project.has_table("tasks")
