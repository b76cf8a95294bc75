"""The migrations folder: what is read, what is refused, and that all of it is said at once."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migration_manager.errors import FileError, FileErrors
from migration_manager.files import Folder, checksum, migration_names, read_folder, read_source

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


# ---------------------------------------------------------------------------------------------- one file


def source_of(tmp_path: Path, data: bytes) -> tuple[str, str]:
    path = tmp_path / "001_a.sql"
    path.write_bytes(data)
    made = read_source(path, "shown.sql")
    assert made.path == "shown.sql"
    return made.text, made.checksum


def test_the_checksum_is_sha256_of_the_text(tmp_path: Path) -> None:
    text, made = source_of(tmp_path, "SELECT 'é😀';\n".encode())
    assert text == "SELECT 'é😀';\n"
    assert made == "v1:" + hashlib.sha256(text.encode()).hexdigest()
    assert made == checksum(text)


def test_the_checksum_of_version_one_never_changes(tmp_path: Path) -> None:
    _, made = source_of(tmp_path, b"SELECT 1;\n")
    assert made == "v1:b4e0497804e46e0a0b0b8c31975b062152d551bac49c3c2e80932567b4085dcd"


@pytest.mark.parametrize(
    "data",
    [
        b"SELECT 1;\r\nSELECT 2;\r\n",
        b"SELECT 1;\rSELECT 2;\r",
        b"\xef\xbb\xbfSELECT 1;\nSELECT 2;\n",
        b"\xef\xbb\xbfSELECT 1;\r\nSELECT 2;\r\n",
    ],
    ids=["CRLF", "CR", "BOM", "BOM and CRLF"],
)
def test_line_ends_and_a_bom_change_neither_text_nor_checksum(tmp_path: Path, data: bytes) -> None:
    assert source_of(tmp_path, data) == source_of(tmp_path, b"SELECT 1;\nSELECT 2;\n")


@pytest.mark.parametrize("long", [False, True], ids=["short", "long"])
@pytest.mark.parametrize("ends", ["\r\n|\n", "\n|\r", "\r|\r\n"])
def test_a_carriage_return_beside_other_line_ends_is_data_and_stays(tmp_path: Path, ends: str, long: bool) -> None:
    one, other = ends.split("|")
    text = f"SELECT 'a{one}b';{other}" * (20_000 if long else 1)
    sent, made = source_of(tmp_path, text.encode())
    assert sent == text
    assert made == source_of(tmp_path, text.replace("\r\n", "\n").replace("\r", "\n").encode())[1]


def test_a_long_file_is_read_as_a_short_one_is(tmp_path: Path) -> None:
    text = "SELECT '\u00e9\u20ac\U0001f600';\n" * 20_000
    for shift in range(4):  # whatever character a chunk ends in
        data = b"\xef\xbb\xbf" + (" " * shift + text).replace("\n", "\r\n").encode()
        path = tmp_path / "long.sql"
        path.write_bytes(data)
        found = read_source(path, "long.sql")
        assert len(list(found.read())) > 5
        assert (found.text, found.checksum, found.size) == (
            " " * shift + text,
            checksum(" " * shift + text),
            shift + len(text.encode()),
        )


def test_a_long_file_that_changes_is_noticed_at_its_end_at_the_latest(tmp_path: Path) -> None:
    path = tmp_path / "long.sql"
    path.write_text("SELECT 1;\n" * 20_000)
    found = read_source(path, "long.sql")
    path.write_text("SELECT 1;\n" * 19_999 + "SELECT 2;\n")
    with pytest.raises(FileError, match="changed while it was in use"):
        list(found.read())
    path.unlink()
    with pytest.raises(FileError, match="gone"):
        list(found.read())


@pytest.mark.parametrize(
    ("end", "what"),
    [
        (b"\0", "there is a NUL byte at byte offset 200000"),
        (b"\xff", "byte 0xff at byte offset 200000"),
        (b"\xe2\x82", "byte 0xe2 at byte offset 200000"),
        (b"\xc3", "byte 0xc3 at byte offset 200000"),
    ],
)
def test_bad_bytes_far_into_a_file_are_told_by_their_offset(tmp_path: Path, end: bytes, what: str) -> None:
    path = tmp_path / "long.sql"
    path.write_bytes(b"SELECT 1;\n" * 20_000 + end)
    with pytest.raises(FileError, match=what):
        read_source(path, "long.sql")


def test_anything_else_changes_the_checksum(tmp_path: Path) -> None:
    made = {source_of(tmp_path, data)[1] for data in (b"a", b"a\n", b"a ", b"A", b"", b"\n\n")}
    assert len(made) == 6


@given(text=st.text(st.characters(exclude_characters="\0\ufeff", exclude_categories=["Cs"]), max_size=40))
@settings(max_examples=50, deadline=None)
def test_what_was_written_is_read_with_line_ends_of_one_kind_folded(
    text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "round_trip.sql"
    path.write_bytes(text.encode())
    made = read_source(path, "a")
    folded = text.replace("\r\n", "\n").replace("\r", "\n")
    assert made.text == (folded if len(set(re.findall("\r\n|\r|\n", text))) < 2 else text)
    assert made.checksum == checksum(folded)
    assert made.size == len(folded.encode())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"SELECT 1;\0SELECT 2;", "NUL byte at byte offset 9"),
        (b"\xef\xbb\xbf\0", "NUL byte at byte offset 3"),
        ("SELECT 1;".encode("utf-16"), "UTF-16"),
        ("SELECT 1;".encode("utf-16-be"), "NUL byte at byte offset 0"),
        (b"SELECT '\xe9';", "byte 0xe9 at byte offset 8"),
        (b"\xef\xbb\xbfSELECT '\xff';", "byte 0xff at byte offset 11"),
        (b"SELECT '\xc3", "byte 0xc3 at byte offset 8"),
        (b"\xed\xa0\x80", "byte offset 0"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git-lfs pointer"),
    ],
)
def test_bytes_that_are_no_sql_text_are_refused_with_their_offset(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(FileError, match=reason) as caught:
        source_of(tmp_path, data)
    assert caught.value.path == "shown.sql"


def test_a_file_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="is gone"):
        read_source(tmp_path / "001_a.sql", "001_a.sql")


def test_a_file_that_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:  # root may read everything, so the mode alone is no test
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(FileError, match="cannot be read: permission denied"):
        read_source(tmp_path / "001_a.sql", "001_a.sql")


@needs_fifo
def test_a_fifo_in_place_of_the_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "001_a.sql")
    with pytest.raises(FileError, match="not a regular file"):
        read_source(tmp_path / "001_a.sql", "001_a.sql")


# --------------------------------------------------------------------------------------------- the folder


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
