"""A file is written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from migration_manager.errors import FileError
from migration_manager.outfile import read_file, write_file


def test_what_was_written_is_read_and_nothing_else_is_left_in_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "schema.sql"
    assert read_file(path, "schema.sql") is None
    for text in ("first ü\n", "second\r\n\n"):
        write_file(path, text, "schema.sql")
        assert read_file(path, "schema.sql") == text
    assert [each.name for each in tmp_path.iterdir()] == ["schema.sql"]


def test_a_file_keeps_its_mode_and_a_new_one_gets_the_usual(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.touch()
    old.chmod(0o640)
    before = os.umask(0o027)
    try:
        write_file(old, "x", "old")
        write_file(tmp_path / "new", "x", "new")
    finally:
        os.umask(before)
    assert old.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_file(tmp_path / "link", "x", "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "x"


@pytest.mark.parametrize("name", ["missing/schema.sql", "folder"])
def test_what_cannot_be_written_is_said_with_its_path_and_leaves_no_piece(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    with pytest.raises(FileError, match=rf"^{name}: cannot be written: "):
        write_file(tmp_path / name, "x", name)
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


def test_a_full_disk_leaves_the_old_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "schema.sql"
    path.write_text("old")
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no device here is always full")
    monkeypatch.setattr("tempfile.mkstemp", lambda **_: (os.open(full, os.O_WRONLY), str(tmp_path / "part")))
    with pytest.raises(FileError, match="cannot be written"):
        write_file(path, "new", "schema.sql")
    assert path.read_text() == "old"


def test_a_file_that_is_no_text_is_said_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"ab\xff")
    with pytest.raises(FileError, match=r"x: is not UTF-8 \(byte 2\)"):
        read_file(tmp_path / "x", "x")
