"""Which migrations were added or changed since a git ref, by git's own word. Writes nothing of its own.

Compared is the working tree with the commit where this branch left the ref (their merge base), so that what others
have done on the ref meanwhile is nothing of ours. What is not committed, and what git does not know yet, counts.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from migration_manager.errors import UsageError
from migration_manager.names import ENDING, ROLLBACK

_OPTIONS: Final = ("--no-optional-locks", "-c", "core.fsmonitor=false")
_DEEPER: Final = "fetch more of it: `git fetch --unshallow`, or `fetch-depth: 0` for actions/checkout"
_ADDED: Final = "A"


@dataclass(frozen=True, slots=True)
class Since:
    """Names of migrations, by their files in one folder. A name that another one was renamed to is an added one.

    `added` are those with a new migration or rollback script, `changed` others with one that differs or is gone.
    """

    added: frozenset[str]
    changed: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        """All of them."""
        return self.added | self.changed


def names_since(ref: str, folder: Path) -> Since:
    """Return the migrations of a folder that were added or changed since a ref, those that are gone included.

    Raises `UsageError`, in plain words, where there is no git, no repository, no such ref, or no common commit.
    """
    git = _Git(folder, ref)
    base = git.merge_base()
    added: set[str] = set()
    changed: set[str] = set()
    for status, path in (*git.differences(base), *((_ADDED, path) for path in git.unknown_files())):
        name = _name_of(path)
        if name is not None:
            (added if status == _ADDED else changed).add(name)
    return Since(frozenset(added), frozenset(changed - added))


def refs(folder: Path) -> list[str]:
    """Return the branches and tags of the repository a folder is in. Raises `UsageError` where there is none."""
    return _Git(folder, "").references()


def _name_of(path: str) -> str | None:
    """Return the migration that a file of the folder belongs to; None for a file that is none of one."""
    if "/" in path or not path.endswith(ENDING):
        return None
    return path.removesuffix(ENDING).removesuffix(ROLLBACK)


class _Git:
    """Questions to git about one folder and one ref. Paths are relative to the folder."""

    def __init__(self, folder: Path, ref: str) -> None:
        self._folder = folder
        self._ref = ref

    def merge_base(self) -> str:
        """Return the commit where the branch that is checked out left the ref."""
        inside = self._ask("rev-parse", "--is-inside-work-tree")
        if inside.returncode:
            raise self._refused(inside, "the migrations are not in a git repository")
        # The ref is asked for by itself first: what merge-base says of one that is missing names objects.
        found = self._ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{self._ref}^{{commit}}")
        if found.returncode:
            hint = _DEEPER if self._is_shallow() else "`git fetch` brings those of a remote, as in origin/main"
            raise UsageError(f"git knows no commit {self._ref!r}", hint=hint)
        base = self._ask("merge-base", found.stdout.strip(), "HEAD")
        if base.returncode:
            if self._is_shallow():
                raise UsageError(
                    f"this is a shallow clone: the commit where this branch left {self._ref} is not in it", hint=_DEEPER
                )
            raise self._refused(base, f"this branch and {self._ref} have no commit in common")
        return base.stdout.strip()

    def differences(self, base: str) -> Iterator[tuple[str, str]]:
        """Yield what differs between a commit and the working tree: A, M, D or T, and the path."""
        # A name is what a migration is, so a renamed file is one that went and one that came.
        options = ("--name-status", "--no-renames", "--no-ext-diff", "--relative", "-z")
        fields = self._answer("diff", *options, base, "--", ".").split("\0")
        yield from zip(fields[0::2], fields[1::2], strict=False)  # after the last \0 one is left over

    def unknown_files(self) -> list[str]:
        """Return the files that git does not know yet and is not told to ignore."""
        return self._answer("ls-files", "--others", "--exclude-standard", "-z", "--", ".").split("\0")

    def references(self) -> list[str]:
        """Return branches, remote ones too, and tags, as one would write them."""
        listed = ("refs/heads", "refs/remotes", "refs/tags")
        return self._answer("for-each-ref", "--format=%(refname:short)", *listed).split()

    def _is_shallow(self) -> bool:
        return self._ask("rev-parse", "--is-shallow-repository").stdout.strip() == "true"

    def _answer(self, *words: str) -> str:
        done = self._ask(*words)
        if done.returncode:
            raise self._refused(done, f"`git {words[0]}` failed")
        return done.stdout

    def _refused(self, done: subprocess.CompletedProcess[str], what: str) -> UsageError:
        said = done.stderr.strip().split("\n")[0].removeprefix("fatal: ").removeprefix("error: ")
        return UsageError(f"{what}, so that --since cannot be answered", hint=f"git says: {said}" if said else None)

    def _ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                ["git", *_OPTIONS, *words],  # noqa: S607 - wherever the person's own git is
                cwd=self._folder,
                env={**os.environ, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="surrogateescape",
                check=False,
            )
        except FileNotFoundError:
            if not self._folder.is_dir():
                raise UsageError(f"there is no folder {self._folder}") from None
            raise UsageError("git is not installed here, and --since asks it", hint="install git") from None
        except OSError as error:
            raise UsageError(f"git cannot be run, and --since asks it: {error.strerror}") from None
