"""Find and check migration files: the only reader of the migrations folder. Never writes.

Everything that is wrong with a folder is found in one pass and reported together.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

from migration_manager.errors import FileError, FileErrors
from migration_manager.model import Migration
from migration_manager.names import ENDING, ROLLBACK, order_key, printable, problem_with, shown_path, stamp_of
from migration_manager.textfile import read_source, reason

__all__ = ["Folder", "migration_names", "read_folder"]

_SOON: Final = timedelta(days=1)  # clocks and time zones differ; more than that is a typing error


@dataclass(frozen=True, slots=True)
class Folder:
    """What a migrations folder holds: migrations in order, and what a person should know about it.

    The first `warnings` are the `problems` of a reading that was tolerant; the others are told apart by their kind too:
    pairs that begin with the same number, names that are dated in the future, subfolders with SQL files.
    """

    migrations: tuple[Migration, ...]
    warnings: tuple[str, ...] = ()
    problems: tuple[FileError, ...] = ()
    same_number: tuple[tuple[str, str], ...] = ()
    in_the_future: tuple[str, ...] = ()
    subfolders: tuple[str, ...] = ()  # as people should see them


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
    return Folder(
        migrations,
        (*(str(problem) for problem in problems), *reading.warnings),
        tuple(problems),
        tuple(reading.same_number),
        tuple(reading.in_the_future),
        tuple(sorted(reading.subfolders)),
    )


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
        self.same_number: list[tuple[str, str]] = []
        self.in_the_future: list[str] = []
        self.subfolders: list[str] = []

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
            self._problem(f"the folder cannot be listed: {reason(error)}")
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
                self.same_number.append((before, after))
                self.warnings.append(f"{before} and {after} begin with the same number; they run in this order")

    def _warn_about_the_future(self, names: Sequence[str]) -> None:
        latest = datetime.now(UTC).replace(tzinfo=None) + _SOON
        for name in names:
            stamp = stamp_of(name)
            if stamp is not None and stamp > latest:
                self.in_the_future.append(name)
                self.warnings.append(f"{name} is dated in the future; what is made until then runs before it")

    def _warn_about_subfolder(self, entry: os.DirEntry[str]) -> None:
        try:
            with os.scandir(entry.path) as inner:
                has_sql = any(file.name.endswith(ENDING) for file in inner)
        except OSError:
            return
        if has_sql:
            self.subfolders.append(self._shown(entry.name))
            self.warnings.append(f"{self._shown(entry.name)} holds .sql files; folders in the folder are not read")

    def _problem(self, message: str, name: str = "", *, hint: str | None = None) -> None:
        self.problems.append(FileError(message, path=self._shown(name), hint=hint))

    def _shown(self, name: str) -> str:
        return printable(shown_path(self._folder / name, self._shown_from))
