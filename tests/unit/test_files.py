"""The migrations folder: what is read, what is refused, and that all of it is said at once."""

from __future__ import annotations

import os
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from migration_manager.errors import FileError, FileErrors
from migration_manager.files import Folder, migration_names, read_folder

needs_links = pytest.mark.skipif(not hasattr(os, "symlink"), reason="no symbolic links here")
needs_fifo = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "migrations"
    made.mkdir()
    return made


def fill(folder: Path, *names: str, text: str = "SELECT 1;\n") -> None:
    for name in names:
        (folder / name).write_text(text, "utf-8")


def read(folder: Path, *, tolerant: bool = False) -> Folder:
    return read_folder(folder, shown_from=folder.parent, tolerant=tolerant)


def names(folder: Path) -> list[str]:
    return [migration.name for migration in read(folder).migrations]


def problems(folder: Path) -> list[FileError]:
    with pytest.raises((FileError, FileErrors)) as caught:
        read(folder)
    return list(caught.value.problems) if isinstance(caught.value, FileErrors) else [cast("FileError", caught.value)]


def problem(folder: Path) -> FileError:
    (one,) = problems(folder)
    return one


def test_migrations_come_in_order_with_their_rollback_scripts(folder: Path) -> None:
    fill(folder, "010_c.sql", "2_b.sql", "20241227_101500_d.sql", "20241227_101500_d_rollback.sql", "001_a.sql")
    found = read(folder)
    assert [migration.name for migration in found.migrations] == ["001_a", "2_b", "010_c", "20241227_101500_d"]
    assert [migration.rollback_path for migration in found.migrations] == [
        *(None, None, None),
        folder / "20241227_101500_d_rollback.sql",
    ]
    assert found.migrations[0].source.path == str(Path("migrations") / "001_a.sql")
    assert found.warnings == ()


def test_a_path_outside_is_shown_in_full(folder: Path, tmp_path: Path) -> None:
    fill(folder, "001_a.sql")
    found = read_folder(folder, shown_from=tmp_path / "elsewhere")
    assert found.migrations[0].source.path == str(folder / "001_a.sql")


def test_an_empty_folder_is_fine(folder: Path) -> None:
    assert read(folder) == Folder(())


def test_other_files_hidden_ones_and_backups_are_ignored(folder: Path) -> None:
    fill(
        folder, "README.md", ".001_b.sql", "001_b.sql~", ".001_b.sql.swp", "#001_b.sql#", ".#001_b.sql", "001_b.sql.bak"
    )
    fill(folder, "001_a.sql")
    assert names(folder) == ["001_a"]


def test_a_missing_folder_says_how_to_make_it(tmp_path: Path) -> None:
    error = problem(tmp_path / "migrations")
    assert error.reason == "there is no such folder"
    assert "init" in (error.hint or "")


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, "migrations")
    assert "this is a file" in problem(tmp_path / "migrations").reason


@pytest.mark.parametrize(
    ("files", "path", "reason"),
    [
        (["add_users.sql"], "add_users.sql", "does not begin with"),
        (["20241327_101500_a.sql"], "20241327_101500_a.sql", "no date and time"),
        (["001_a.SQL"], "001_a.SQL", "small letters"),
        (["001_a.sql", "001_a.SQL"], "001_a.SQL", "small letters"),
        (["001_a.sql", "001_A.sql"], "001_a.sql", "differs from 001_A.sql only in letter case"),
        (["001_a_rollback.sql"], "001_a_rollback.sql", "no migration to this rollback"),
        (["001_a b.sql"], "001_a b.sql", "' ' in it"),
        (["001_a'b.sql"], "001_a'b.sql", "in it"),
        ([".sql.sql", "~001_a.sql"], "~001_a.sql", "does not begin with"),
    ],
)
def test_a_file_of_the_wrong_name_is_refused_by_name(folder: Path, files: list[str], path: str, reason: str) -> None:
    fill(folder, *files)
    if len({entry.name for entry in folder.iterdir()}) < len(files):
        pytest.skip("this file system does not tell letter case apart")
    error = problem(folder)
    assert error.path == str(Path("migrations") / path)
    assert reason in error.reason


@pytest.mark.parametrize("name", ["001_a\n.sql", "001_\x1b[31m.sql", "001_\u202e.sql", "001_\udcff.sql", "\u2028.sql"])
def test_a_hostile_name_is_shown_harmlessly(folder: Path, name: str) -> None:
    try:
        fill(folder, name)
    except (OSError, UnicodeError):
        pytest.skip("this file system does not take such a name")
    error = problem(folder)
    assert str(error).isprintable()


def test_the_name_that_stands_beside_a_rollback_script_is_told(folder: Path) -> None:
    fill(folder, "001_Add.sql", "001_add_rollback.sql")
    assert "001_add.sql" in (problem(folder).hint or "")


def test_a_folder_with_the_name_of_a_file_is_refused(folder: Path) -> None:
    (folder / "001_a.sql").mkdir()
    assert "this is a folder" in problem(folder).reason


@needs_fifo
@pytest.mark.parametrize("name", ["001_a.sql", "001_a_rollback.sql"])
def test_a_fifo_is_refused_without_waiting(folder: Path, name: str) -> None:
    os.mkfifo(folder / name)
    assert "no regular file" in problem(folder).reason


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no such sockets here")
def test_a_socket_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("001_a.sql")
        assert "no regular file" in problem(folder).reason


@needs_links
def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    fill(tmp_path, "outside.sql")
    (folder / "001_a.sql").symlink_to(tmp_path / "outside.sql")
    assert "leads out of the folder" in problem(folder).reason


@needs_links
def test_a_folder_whose_name_begins_alike_is_outside_too(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "migrations_old"
    other.mkdir()
    fill(other, "001_a.sql")
    (folder / "001_a.sql").symlink_to(other / "001_a.sql")
    assert "leads out of the folder" in problem(folder).reason


@needs_links
def test_links_within_the_folder_are_followed_as_kubernetes_mounts_them(folder: Path) -> None:
    data = folder / "..2024_12_27"
    data.mkdir()
    fill(data, "001_a.sql")
    (folder / "..data").symlink_to(data.name)
    (folder / "001_a.sql").symlink_to("..data/001_a.sql")
    assert names(folder) == ["001_a"]


@needs_links
def test_the_folder_itself_may_be_a_link(folder: Path, tmp_path: Path) -> None:
    fill(folder, "001_a.sql")
    (folder / "002_b.sql").symlink_to("001_a.sql")
    (tmp_path / "link").symlink_to(folder)
    assert names(tmp_path / "link") == ["001_a", "002_b"]


@needs_links
@pytest.mark.parametrize("target", ["001_a.sql", "nothing.sql"], ids=["circle", "nowhere"])
def test_a_link_that_leads_nowhere_is_refused(folder: Path, target: str) -> None:
    (folder / "001_a.sql").symlink_to(target)
    assert "leads nowhere" in problem(folder).reason


@needs_links
def test_a_link_to_a_folder_inside_is_refused(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "001_a.sql").symlink_to("sub")
    assert "not a regular file" in problem(folder).reason


def test_all_problems_are_reported_together_in_order(folder: Path) -> None:
    fill(folder, "b.sql", "001_a_rollback.sql", "004_ok.sql")
    (folder / "002_c.sql").write_bytes(b"\0")
    (folder / "003_d.sql").write_bytes(b"\xff")
    assert [Path(error.path).name for error in problems(folder)] == [
        *("001_a_rollback.sql", "002_c.sql", "003_d.sql", "b.sql")
    ]


def test_when_tolerant_problems_are_warnings_and_the_rest_is_read(folder: Path) -> None:
    fill(folder, "b.sql", "001_a.sql")
    found = read(folder, tolerant=True)
    assert [migration.name for migration in found.migrations] == ["001_a"]
    assert len(found.warnings) == 1
    assert "b.sql" in found.warnings[0]


def test_when_tolerant_a_missing_folder_holds_nothing(tmp_path: Path) -> None:
    assert read(tmp_path / "migrations", tolerant=True).migrations == ()


def test_the_same_number_twice_is_a_warning_and_the_name_decides(folder: Path) -> None:
    fill(folder, "001_b.sql", "001_a.sql", "2_c.sql")
    found = read(folder)
    assert [migration.name for migration in found.migrations] == ["001_a", "001_b", "2_c"]
    assert found.warnings == ("001_a and 001_b begin with the same number; they run in this order",)


def test_a_timestamp_in_the_future_is_a_warning(folder: Path) -> None:
    now = datetime.now(UTC)
    soon, later = now + timedelta(hours=12), now + timedelta(hours=36)
    fill(folder, f"{soon:%Y%m%d_%H%M%S}_a.sql", f"{later:%Y%m%d_%H%M%S}_b.sql")
    (warning,) = read(folder).warnings
    assert warning.startswith(f"{later:%Y%m%d_%H%M%S}_b is dated in the future")


def test_sql_files_in_a_folder_below_are_a_warning(folder: Path) -> None:
    for name in ("old", "empty", ".hidden"):
        (folder / name).mkdir()
    fill(folder / "old", "001_a.sql")
    fill(folder / ".hidden", "001_a.sql")
    (warning,) = read(folder).warnings
    assert str(Path("migrations") / "old") in warning


def test_nothing_is_written(folder: Path) -> None:
    fill(folder, "001_a.sql", "001_a_rollback.sql")
    before = sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir())
    read(folder)
    assert sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir()) == before


def test_a_file_that_goes_away_while_the_folder_is_read_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(folder, "001_a.sql")
    really = os.open

    def vanish(path: Path, *rest: int) -> int:
        path.unlink()
        return really(path, *rest)

    monkeypatch.setattr(os, "open", vanish)
    assert "is gone" in problem(folder).reason


def test_hundreds_of_pairs_are_read_in_a_moment(folder: Path) -> None:
    for number in range(300):
        fill(folder, f"{number:04}_a.sql", f"{number:04}_a_rollback.sql")
    began = time.process_time()
    assert len(read(folder).migrations) == 300
    assert time.process_time() - began < 2


def test_names_are_listed_in_order_without_reading_anything(folder: Path) -> None:
    assert migration_names(folder) == []
    fill(folder, "10_b.sql", "9_a.sql", "10_b_rollback.sql", "99_no.txt", "zzz.sql", "99_A B.sql", text="\0")
    assert migration_names(folder) == ["9_a", "10_b"]


def test_a_missing_folder_lists_no_names(tmp_path: Path) -> None:
    assert migration_names(tmp_path / "migrations") == []
