"""Making files: the pair of a new migration, and a project's first files. Nothing is ever overwritten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migration_manager import scaffold
from migration_manager.errors import FileError, UsageError
from migration_manager.files import migration_names, read_folder
from migration_manager.model import Dialect, Directives
from migration_manager.scaffold import create_migration, init_project
from migration_manager.script import parse
from migration_manager.textfile import read_source

NOW = datetime(2024, 12, 27, 10, 15, 0, 123456, tzinfo=UTC)


def test_both_files_are_made_and_their_folder(tmp_path: Path) -> None:
    folder = tmp_path / "db" / "migrations"
    paths = create_migration(folder, "Add user preferences", NOW, None)
    assert paths == (
        folder / "20241227_101500_add_user_preferences.sql",
        folder / "20241227_101500_add_user_preferences_rollback.sql",
    )
    assert sorted(folder.iterdir()) == sorted(paths)


def test_the_header_says_what_when_and_which(tmp_path: Path) -> None:
    forward, back = create_migration(tmp_path, "  Añadir préférences  ", NOW, None)
    lines = forward.read_text("utf-8").splitlines()
    assert lines[:3] == [
        "-- migration: 20241227_101500_anadir_preferences",
        "-- created: 2024-12-27 10:15:00 UTC",
        "-- description: Añadir préférences",
    ]
    assert back.read_text("utf-8").splitlines()[2] == "-- description: undo: Añadir préférences"
    assert b"\r" not in forward.read_bytes() + back.read_bytes()


@given(title=st.text(max_size=30) | st.sampled_from(["migrate: no-transaction", "{name}", "*/ '; --", "+goose Up"]))
@settings(max_examples=50, deadline=None)
def test_what_is_made_reads_as_a_pair_without_a_statement(title: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("made")
    try:
        forward, back = create_migration(folder, title, NOW, None)
    except UsageError:
        assert not list(folder.iterdir())
        return
    found = read_folder(folder, shown_from=folder)
    assert [migration.rollback_path for migration in found.migrations] == [back]
    for path in (forward, back):
        script = parse(read_source(path, path.name), Dialect.POSTGRESQL, rollback=path == back)
        assert script.statement_count == 0
        assert script.directives == Directives()


@pytest.mark.parametrize(
    ("newest", "stamp"),
    [
        (None, "20241227_101500"),
        ("001_initial", "20241227_101500"),
        ("20241227_101459_a", "20241227_101500"),
        ("20241227_101500_a", "20241227_101501"),
        ("20241231_235959_a", "20250101_000000"),
        ("20241331_000000_no_date", "20241227_101500"),
    ],
)
def test_what_is_made_later_sorts_later_whatever_the_clock_says(tmp_path: Path, newest: str | None, stamp: str) -> None:
    forward, _ = create_migration(tmp_path, "b", NOW, newest)
    assert forward.stem == f"{stamp}_b"


def test_two_made_in_the_same_second_follow_each_other(tmp_path: Path) -> None:
    for _ in range(3):
        create_migration(tmp_path, "a", NOW, next(reversed(migration_names(tmp_path)), None))
    assert migration_names(tmp_path)[-1] == "20241227_101502_a"


def test_the_time_is_utc_whatever_zone_the_clock_is_in(tmp_path: Path) -> None:
    forward, _ = create_migration(tmp_path, "a", NOW.astimezone(timezone(timedelta(hours=9))), None)
    assert forward.stem == "20241227_101500_a"


@pytest.mark.parametrize(
    "title", ["", "  ", "a\nDROP TABLE t", "a\u2028b", "a\tb", "a\x00b", "a" * 201, "é " * 101, "!!!", "add rollback"]
)
def test_an_impossible_title_is_refused_and_nothing_is_made(tmp_path: Path, title: str) -> None:
    with pytest.raises(UsageError):
        create_migration(tmp_path / "migrations", title, NOW, None)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("which", ["", "_rollback"])
def test_nothing_is_overwritten_and_no_half_pair_is_left(tmp_path: Path, which: str) -> None:
    there = tmp_path / f"20241227_101500_a{which}.sql"
    there.write_text("mine")
    with pytest.raises(FileError, match="exists already") as caught:
        create_migration(tmp_path, "a", NOW, None)
    assert caught.value.path == str(there)
    assert there.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [there]


def test_a_full_disk_leaves_no_half_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaffold, "_BACK", "\udcff")  # cannot be encoded, so writing fails half-way
    with pytest.raises(UnicodeEncodeError):
        create_migration(tmp_path, "a", NOW, None)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_an_error_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "migrations").write_text("a file")
    with pytest.raises(FileError) as caught:
        create_migration(tmp_path / "migrations", "a", NOW, None)
    assert caught.value.path == str(tmp_path / "migrations")


def test_a_project_gets_its_files_once(tmp_path: Path) -> None:
    expected = ["migration_manager.toml", "migrations", ".gitattributes"]
    first = init_project(tmp_path, "a = 1\n")
    assert first == [(tmp_path / name, True) for name in expected]
    assert (tmp_path / "migration_manager.toml").read_text() == "a = 1\n"
    assert (tmp_path / ".gitattributes").read_text() == "*.sql text eol=lf\n"
    assert init_project(tmp_path, "a = 2\n") == [(tmp_path / name, False) for name in expected]
    assert (tmp_path / "migration_manager.toml").read_text() == "a = 1\n"


def test_what_a_project_has_is_kept(tmp_path: Path) -> None:
    (tmp_path / ".gitattributes").write_text("*.png binary\n")
    made = dict(init_project(tmp_path, ""))
    assert made[tmp_path / ".gitattributes"] is False
    assert (tmp_path / ".gitattributes").read_text() == "*.png binary\n"


def test_a_root_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such file or directory"):
        init_project(tmp_path / "nowhere", "")
