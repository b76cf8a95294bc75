"""Find, check, read and hash migration files: the only reader of the migrations folder. Never writes.

Everything that is wrong with a folder is found in one pass and reported together.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

from migration_manager.errors import FileError, FileErrors
from migration_manager.model import Held, Migration, Source
from migration_manager.names import ENDING, ROLLBACK, order_key, printable, problem_with, stamp_of

__all__ = ["ENDING", "Folder", "checksum", "migration_names", "read_folder", "read_source"]

_BOM: Final = b"\xef\xbb\xbf"
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_LFS_POINTER: Final = b"version https://git-lfs.github.com/spec/"
_CHUNK: Final = 64 * 1024  # bytes; a file no longer than that is held
_SOON: Final = timedelta(days=1)  # clocks and time zones differ; more than that is a typing error


@dataclass(frozen=True, slots=True)
class Folder:
    """What a migrations folder holds: migrations in order, and what a person should know about it."""

    migrations: tuple[Migration, ...]
    warnings: tuple[str, ...] = ()


# --------------------------------------------------------------------------------------------- one file


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


def checksum(text: str) -> str:
    """Return the checksum of a text whose BOM is gone; its line ends make no difference."""
    return _tagged(hashlib.sha256(_folded(text).encode()).hexdigest())


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
        return FileError(f"the file cannot be read: {_why(error)}", path=self.shown)

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


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


# ------------------------------------------------------------------------------------------- the folder


def read_folder(folder: Path, *, shown_from: Path, tolerant: bool = False) -> Folder:
    """Read every migration of a folder, in order, and list the rollback scripts.

    Raises `FileError`, or `FileErrors` for several. When `tolerant`, what is wrong becomes a warning and the rest is
    returned: a rollback in an incident must not fail on a stray file.
    """
    reading = _Reading(folder, shown_from)
    migrations = reading.migrations()
    problems = sorted(reading.problems, key=lambda problem: problem.path)
    if problems and not tolerant:
        raise problems[0] if len(problems) == 1 else FileErrors(problems)
    return Folder(migrations, (*(str(problem) for problem in problems), *reading.warnings))


def migration_names(folder: Path) -> list[str]:
    """Return the names of a folder's migrations in order, by its listing alone; none for one that cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            stems = [entry.name.removesuffix(ENDING) for entry in entries if entry.name.endswith(ENDING)]
    except OSError:
        return []
    return sorted((stem for stem in stems if problem_with(stem) is None), key=order_key)


class _Reading:
    """One pass over a folder; what is wrong is collected on the way."""

    def __init__(self, folder: Path, shown_from: Path) -> None:
        self._folder = folder
        self._shown_from = shown_from
        self.problems: list[FileError] = []
        self.warnings: list[str] = []

    def migrations(self) -> tuple[Migration, ...]:
        stems = {entry.name.removesuffix(ENDING): Path(entry.path) for entry in self._sql_files()}
        undo = {stem.removesuffix(ROLLBACK): path for stem, path in stems.items() if stem.endswith(ROLLBACK)}
        forward = {stem: path for stem, path in stems.items() if not stem.endswith(ROLLBACK)}
        self._check_case(stems)
        self._check_rollbacks(undo, forward)
        found = tuple(self._read_all(forward, undo))
        names = [migration.name for migration in found]
        self._warn_about_equal_numbers(names)
        self._warn_about_the_future(names)
        return found

    def _read_all(self, forward: Mapping[str, Path], undo: Mapping[str, Path]) -> Iterator[Migration]:
        for name in sorted(forward, key=order_key):
            path = forward[name]
            trouble = problem_with(name)
            if trouble is not None:
                self._problem(trouble, path.name)
                continue
            try:
                source = read_source(path, self._shown(path.name))
            except FileError as error:
                self.problems.append(error)
            else:
                yield Migration(name, source, undo.get(name))

    # ------------------------------------------------------------------------------------ listing

    def _sql_files(self) -> list[os.DirEntry[str]]:
        """Return the regular `.sql` files. Other things of that name are problems; the rest is nobody's business."""
        try:
            with os.scandir(self._folder) as entries:
                found = list(entries)
        except FileNotFoundError:
            self._problem("there is no such folder", hint="`init` and `create` make it; --dir names another")
            return []
        except NotADirectoryError:
            self._problem("this is a file, and the migrations' folder was expected")
            return []
        except OSError as error:
            self._problem(f"the folder cannot be listed: {_why(error)}")
            return []
        return [entry for entry in found if self._is_sql_file(entry)]

    def _is_sql_file(self, entry: os.DirEntry[str]) -> bool:
        name = entry.name
        if name.startswith((".", "#")):  # hidden, or an editor's: .x.sql, .#x.sql, #x.sql#
            return False
        if not name.lower().endswith(ENDING):
            if entry.is_dir(follow_symlinks=False):
                self._warn_about_subfolder(entry)
            return False
        if not name.endswith(ENDING):
            self._problem(f"the ending is {printable(name[-4:])}; write it in small letters: .sql", name)
            return False
        if entry.is_file(follow_symlinks=False):
            return True
        if not entry.is_symlink():
            what = "a folder" if entry.is_dir() else "no regular file"
            self._problem(f"this is {what}, and has the name of an SQL file", name)
            return False
        return self._is_link_inside(entry)

    def _is_link_inside(self, entry: os.DirEntry[str]) -> bool:
        """Return whether a link stays in the folder, as those of a Kubernetes ConfigMap do."""
        try:
            target = os.path.realpath(entry.path, strict=True)
            regular = stat.S_ISREG(entry.stat().st_mode)
        except OSError:
            self._problem("this symbolic link leads nowhere, or in a circle", entry.name)
            return False
        if os.path.realpath(self._folder) not in map(str, Path(target).parents):
            # What lies outside changes without anybody seeing it in the folder's history.
            self._problem("this symbolic link leads out of the folder", entry.name, hint="put the file itself here")
            return False
        if not regular:
            self._problem("this symbolic link leads to what is not a regular file", entry.name)
        return regular

    # ------------------------------------------------------------------------------------ checking

    def _check_case(self, stems: Iterable[str]) -> None:
        # On macOS and Windows the two are one file, so a checkout there has one of them only.
        seen: dict[str, str] = {}
        for stem in sorted(stems):
            other = seen.setdefault(stem.lower(), stem)
            if other != stem:
                self._problem(f"the name differs from {printable(other)}{ENDING} only in letter case", stem + ENDING)

    def _check_rollbacks(self, undo: Mapping[str, Path], forward: Mapping[str, Path]) -> None:
        for name in undo.keys() - forward.keys():
            hint = f"it undoes {printable(name)}{ENDING}; write that, or take this away"
            self._problem("there is no migration to this rollback script", undo[name].name, hint=hint)

    def _warn_about_equal_numbers(self, names: Sequence[str]) -> None:
        for before, after in pairwise(names):
            if order_key(before)[0] == order_key(after)[0]:
                self.warnings.append(f"{before} and {after} begin with the same number; they run in this order")

    def _warn_about_the_future(self, names: Sequence[str]) -> None:
        latest = datetime.now(UTC).replace(tzinfo=None) + _SOON
        for name in names:
            stamp = stamp_of(name)
            if stamp is not None and stamp > latest:
                self.warnings.append(f"{name} is dated in the future; what is made until then runs before it")

    def _warn_about_subfolder(self, entry: os.DirEntry[str]) -> None:
        try:
            with os.scandir(entry.path) as inner:
                has_sql = any(file.name.endswith(ENDING) for file in inner)
        except OSError:
            return
        if has_sql:
            self.warnings.append(f"{self._shown(entry.name)} holds .sql files; folders in the folder are not read")

    def _problem(self, message: str, name: str = "", *, hint: str | None = None) -> None:
        self.problems.append(FileError(message, path=self._shown(name), hint=hint))

    def _shown(self, name: str) -> str:
        path = self._folder / name
        with suppress(ValueError):
            path = path.relative_to(self._shown_from)
        return printable(str(path))
