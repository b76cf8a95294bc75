"""Read and hash one SQL file of any size: its text, its checksum, and whether it is still the one read before."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from migration_manager.errors import FileError
from migration_manager.model import Held, Source

_BOM: Final = b"\xef\xbb\xbf"
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_LFS_POINTER: Final = b"version https://git-lfs.github.com/spec/"
_CHUNK: Final = 64 * 1024  # bytes; a file no longer than that is held


def read_source(path: Path, shown: str) -> Source:
    """Read one file, once, for its checksum. A short text is held; a long one is read again where it is needed.

    Raises `FileError`, with the byte offset of bytes that are no text.
    """
    file = _TextFile(path, shown)
    held = [chunk for chunk in file.chunks() if file.size <= _CHUNK]
    if file.size > _CHUNK:
        return Source(shown, file.checksum, file.size, _Again(file))
    text = "".join(held)
    return Source(shown, file.checksum, file.size, Held(text if file.is_mixed else _folded(text)))


class _Again:
    """The reader of a long file, which looks whether it is still the one that was read first."""

    def __init__(self, first: _TextFile) -> None:
        self._first = first

    def __call__(self, *, verify: bool = False) -> Iterator[str]:
        first = self._first
        file = _TextFile(first.path, first.shown, counted=verify)
        for chunk in file.chunks():
            if file.written != first.written:
                raise file.changed()
            yield chunk if first.is_mixed else _folded(chunk)
        if file.written != first.written or (verify and file.checksum != first.checksum):
            raise file.changed()


def _folded(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _tagged(digest: str) -> str:
    return "v1:" + digest


class _TextFile:
    """One pass over a file; `checksum` and `size`, in bytes, are of what `chunks` has given so far, with LF line ends.

    `is_mixed` says that its line ends are of several kinds. One kind alone is how somebody's editor or checkout writes
    lines, and counts as LF; beside another one a carriage return is data: pg_dump writes those of literals as they are.
    """

    def __init__(self, path: Path, shown: str, *, counted: bool = True) -> None:
        self.path = path
        self.shown = shown
        self.written: tuple[int, ...] = ()  # what the file system says of the last write, as of the last look
        self._is_counted = counted
        self._digest = hashlib.sha256()
        self._line_ends: set[str] = set()  # the kinds of them
        self.size = 0

    @property
    def checksum(self) -> str:
        return _tagged(self._digest.hexdigest())

    def changed(self) -> FileError:
        hint = "run again when nobody changes it"
        return FileError("the file changed while it was in use", path=self.shown, hint=hint)

    @property
    def is_mixed(self) -> bool:
        return len(self._line_ends) > 1

    def chunks(self) -> Iterator[str]:
        """Yield the text without a BOM; no line end is cut. Raises `FileError`."""
        offset, rest = 0, b""  # `rest` was read and waits for what follows it; it is at `offset` in the file
        with self._opened() as file:
            while True:
                read = self._read(file)
                data = rest + read if rest else read
                if offset == 0:
                    offset = self._refuse_or_skip(data)
                    data = data[offset:]
                end = _whole_characters(data) if read else len(data)
                text = self._decoded(data[:end], offset)
                self.written = _last_write(file)
                if text:
                    if self._is_counted:
                        self._count(text, data[:end])
                    yield text
                if not read:
                    return
                offset, rest = offset + end, data[end:]

    @contextmanager
    def _opened(self) -> Iterator[io.FileIO]:
        try:
            # A FIFO that took the file's place since it was listed would block an ordinary open for ever.
            flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
            file = io.FileIO(os.open(self.path, flags), closefd=True)
        except FileNotFoundError:
            hint = "run again when nobody changes the folder"
            raise FileError("the file was there a moment ago and is gone", path=self.shown, hint=hint) from None
        except OSError as error:
            raise self._unreadable(error) from None
        with file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise FileError("this is not a regular file", path=self.shown)
            yield file

    def _read(self, file: io.FileIO) -> bytes:
        try:
            return file.read(_CHUNK) or b""
        except OSError as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: OSError) -> FileError:
        return FileError(f"the file cannot be read: {reason(error)}", path=self.shown)

    def _refuse_or_skip(self, beginning: bytes) -> int:
        """Return how many bytes at the beginning of a file are no text; raises for a file that is none at all."""
        if beginning.startswith(_UTF16):
            raise FileError("the file is UTF-16 from byte offset 0 on", path=self.shown, hint="save it as UTF-8")
        skipped = len(_BOM) if beginning.startswith(_BOM) else 0
        if beginning.startswith(_LFS_POINTER, skipped):
            raise FileError("this is a git-lfs pointer, not the file itself", path=self.shown, hint="git lfs pull")
        return skipped

    def _decoded(self, data: bytes, offset: int) -> str:
        nul = data.find(b"\0")
        if nul >= 0:
            # libpq stops at a NUL and reports success for the half it saw (RELIABILITY, finding 3).
            hint = "a migration is UTF-8 text; UTF-16 has such bytes, and so have binary files"
            raise FileError(f"there is a NUL byte at byte offset {offset + nul}", path=self.shown, hint=hint)
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            where = f"byte 0x{data[error.start]:02x} at byte offset {offset + error.start}"
            raise FileError(f"the file is not UTF-8: {where}", path=self.shown, hint="save it as UTF-8") from None

    def _count(self, text: str, data: bytes) -> None:
        """Take a piece of text, and its bytes, into account."""
        others = text
        if "\r" in text:
            data = _folded(text).encode()
            others = text.replace("\r\n", "")
            self._line_ends |= {"\r\n"} if len(others) < len(text) else set()
        self._line_ends |= {end for end in ("\r", "\n") if end in others}
        self._digest.update(data)
        self.size += len(data)


def _last_write(file: io.FileIO) -> tuple[int, ...]:
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns


def _whole_characters(data: bytes) -> int:
    """Return how much of the data can be read without what follows it: no character and no line end is cut."""
    end = len(data)
    while end > 0 and len(data) - end < 3 and data[end - 1] & 0xC0 == 0x80:  # continues a character
        end -= 1
    end -= end > 0 and data[end - 1] >= 0xC0  # begins one
    cut = end if len(data) - end < 4 and end < len(data) else len(data)
    return cut - (cut > 0 and data[cut - 1] == 0x0D)


def reason(error: OSError) -> str:
    """Return why the file system refused, in a form that ends a sentence."""
    return (error.strerror or str(error)).lower()
