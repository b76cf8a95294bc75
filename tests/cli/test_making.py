"""`init` and `create`: files are made, nothing is ever overwritten."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.fixtures.cli import Outcome, Project, call, plain_environment

NAME = re.compile(r"\d{8}_\d{6}_[a-z0-9_]+")


def in_folder(folder: Path, *arguments: str) -> Outcome:
    return call(arguments, folder=folder, environment=plain_environment())


# --------------------------------------------------------------------------------------------- init


def test_init_writes_a_configuration_that_works_at_once(tmp_path: Path) -> None:
    outcome = in_folder(tmp_path, "init")
    assert outcome.code == 0
    assert "migration_manager.toml" in outcome.out
    assert (tmp_path / "migrations").is_dir()
    assert (tmp_path / ".gitattributes").read_text() == "*.sql text eol=lf\n"
    status = in_folder(tmp_path, "status", "--json")
    assert (status.code, status.json["migrations"]) == (0, [])
    assert not (tmp_path / ".migration_manager").exists(), "status makes no database"


def test_init_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "migration_manager.toml").write_text("# mine\n")
    (tmp_path / ".gitattributes").write_text("# mine too\n")
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "keep.txt").write_text("kept")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert in_folder(tmp_path, "init").code == 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_init_as_json_says_what_was_written(tmp_path: Path) -> None:
    first, second = (in_folder(tmp_path, "init", "--json").json["files"] for _ in range(2))
    assert [Path(each["path"]).name for each in first] == ["migration_manager.toml", "migrations", ".gitattributes"]
    assert [each["written"] for each in first] == [True, True, True]
    assert [each["written"] for each in second] == [False, False, False]


# ------------------------------------------------------------------------------------------- create


@pytest.mark.parametrize("typed", [["create", "--name"], ["create", "-n"], ["create"], ["new"], ["new", "--name"]])
def test_create_writes_both_files_named_by_time_and_what_they_do(sqlite_project: Project, typed: list[str]) -> None:
    before = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
    outcome = sqlite_project.ok(*typed, "Add user preferences")
    after = datetime.now(UTC).replace(tzinfo=None)
    forward, back = sorted(sqlite_project.migrations.iterdir())
    name = forward.stem
    assert NAME.fullmatch(name)
    assert back.name == f"{name}_rollback.sql"
    made = datetime.strptime(name[:15], "%Y%m%d_%H%M%S")  # noqa: DTZ007 - names are in UTC
    assert before <= made <= after
    assert name[16:] == "add_user_preferences"
    assert f"migrations/{forward.name}" in outcome.out
    assert f"migrations/{back.name}" in outcome.out
    for path in (forward, back):
        head = path.read_text()
        assert f"-- migration: {name}" in head
        assert f"-- created: {made:%Y-%m-%d %H:%M:%S} UTC" in head
        assert "-- description: " in head
        assert "Add user preferences" in head
        assert "\r" not in head


def test_what_create_writes_is_pending_and_warns_that_it_is_empty(sqlite_project: Project) -> None:
    name = sqlite_project.ok("create", "One", "--json").json["name"]
    assert sqlite_project.status() == {name: "pending"}
    outcome = sqlite_project.ok("migrate")
    assert "no statement" in outcome.err
    assert sqlite_project.applied() == [name]


def test_two_of_one_name_made_at_once_are_two_migrations_in_order(sqlite_project: Project) -> None:
    names = [sqlite_project.ok("create", "The same", "--json").json["name"] for _ in range(3)]
    assert len(set(names)) == 3
    assert names == sorted(names)
    assert len(list(sqlite_project.migrations.iterdir())) == 6


def test_create_runs_after_what_is_there_whatever_the_clock_says(sqlite_project: Project) -> None:
    sqlite_project.write_tables("20991231_235959_create_future")
    name = sqlite_project.ok("create", "Later", "--json").json["name"]
    assert name > "20991231_235959_create_future"


def test_create_as_json_has_name_and_paths(sqlite_project: Project) -> None:
    made = sqlite_project.ok("create", "One", "--json").json
    assert set(made) == {"name", "migration", "rollback"}
    assert Path(made["migration"]).is_file()
    assert Path(made["rollback"]).is_file()
    assert Path(made["migration"]).stem == made["name"]


def test_create_makes_the_folder_and_honours_dir(sqlite_project: Project) -> None:
    sqlite_project.ok("create", "One", "--dir", "deep/er")
    assert len(list((sqlite_project.root / "deep" / "er").iterdir())) == 2


def test_create_needs_no_database(sqlite_project: Project) -> None:
    sqlite_project.ok("create", "One", env={"TARGET_URL": "postgresql://me@127.0.0.1:1/none"})


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Ünïcode naïve", "unicode_naive"),
        ("  many   blanks ", "many_blanks"),
        ("Drop; TABLE users--", "drop_table_users"),
        ("../../etc/passwd", "etc_passwd"),
        ("[b]old[/b] arr[a]", "b_old_b_arr_a"),
        ("v2.0", "v2_0"),
    ],
)
def test_any_title_makes_a_tame_name(sqlite_project: Project, title: str, slug: str) -> None:
    made = sqlite_project.ok("create", "--name", title, "--json").json
    assert made["name"][16:] == slug
    assert Path(made["migration"]).parent == sqlite_project.migrations


@pytest.mark.parametrize("title", ["", "   ", "!!!", "日本", "two\nlines", "undo rollback", "x" * 400])
def test_a_title_that_makes_no_name_is_refused_and_nothing_is_written(sqlite_project: Project, title: str) -> None:
    sqlite_project.refuses(2, "create", "--name", title)


def test_the_title_cannot_smuggle_a_directive_or_a_statement_into_the_file(sqlite_project: Project) -> None:
    made = sqlite_project.ok("create", "--name", "x -- migrate: no-transaction", "--json").json
    lines = Path(made["migration"]).read_text().splitlines()
    assert all(line == "" or line.startswith("-- ") for line in lines)
    sqlite_project.ok("migrate")
    assert json.loads(sqlite_project.ok("history", "--json").out)["log"][0]["outcome"] == "done"
