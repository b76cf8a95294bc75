"""One file: its text as it is, its checksum, what is no text, and a file that changes."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migration_manager.errors import FileError
from migration_manager.textfile import read_source

needs_fifo = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")


def checksum(text: str) -> str:
    return "v1:" + hashlib.sha256(text.encode()).hexdigest()


def source_of(tmp_path: Path, data: bytes) -> tuple[str, str]:
    path = tmp_path / "001_a.sql"
    path.write_bytes(data)
    made = read_source(path, "shown.sql")
    assert made.path == "shown.sql"
    return made.text, made.checksum


def test_the_checksum_is_sha256_of_the_text(tmp_path: Path) -> None:
    text, made = source_of(tmp_path, "SELECT 'é😀';\n".encode())
    assert text == "SELECT 'é😀';\n"
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
