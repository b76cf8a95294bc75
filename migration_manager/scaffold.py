"""Write what a person starts from: a pair of migration files, a configuration. Never overwrites."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from unicodedata import category

from migration_manager.errors import FileError, UsageError
from migration_manager.names import ENDING, ROLLBACK, make_name, stamp_of

CONFIG_FILE: Final = "migration_manager.toml"
_LONGEST_TITLE: Final = 200

_FORWARD: Final = """\
-- migration: {name}
-- created: {created} UTC
-- description: {title}

-- Write the change below. The whole file is one transaction, together with its record: no BEGIN, no COMMIT.
"""
_BACK: Final = """\
-- migration: {name}
-- created: {created} UTC
-- description: undo: {title}

-- Write what undoes the migration below, its last statement first.
"""
_ATTRIBUTES: Final = "*.sql text eol=lf\n"


def create_migration(folder: Path, title: str, now: datetime, newest: str | None) -> tuple[Path, Path]:
    """Write a new migration and its rollback script; return both paths. Makes the folder where it is missing.

    The name's time is `now`, or a second after `newest`, the newest migration there, whichever is later: what is made
    later runs later, whatever the clock says. Raises `UsageError` for an impossible title, `FileError` when a file
    cannot be written.
    """
    title = _checked(title)
    moment = _moment(now, newest)
    name = make_name(moment, title)
    facts = {"name": name, "created": f"{moment:%Y-%m-%d %H:%M:%S}", "title": title}
    forward, back = folder / f"{name}{ENDING}", folder / f"{name}{ROLLBACK}{ENDING}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_new(forward, _FORWARD.format(**facts))
        try:
            _write_new(back, _BACK.format(**facts))
        except BaseException:
            with suppress(OSError):  # half a pair is worse than none; the first error is the one to tell
                forward.unlink()
            raise
    except OSError as error:
        raise _cannot_write(error, folder) from None
    return forward, back


def _checked(title: str) -> str:
    title = title.strip()
    if not title:
        raise UsageError("a migration needs a name", hint='migration-manager create --name "Add user preferences"')
    # It becomes a comment, which a line end would leave; blanks of any width are fine.
    if not all(character.isprintable() or category(character) == "Zs" for character in title):
        raise UsageError(f"{title!r} has a line end or another control character in it; a name is one line")
    if len(title) > _LONGEST_TITLE:
        raise UsageError(f"the name is too long: {len(title)} characters of at most {_LONGEST_TITLE}")
    return title


def _moment(now: datetime, newest: str | None) -> datetime:
    """Return the name's time, in UTC and without saying so, as names are."""
    moment = (now if now.tzinfo is None else now.astimezone(UTC)).replace(tzinfo=None, microsecond=0)
    last = stamp_of(newest) if newest is not None else None
    return moment if last is None else max(moment, last + timedelta(seconds=1))


def init_project(root: Path, config_text: str) -> list[tuple[Path, bool]]:
    """Write a configuration, a migrations folder and `.gitattributes` where they are missing.

    Returns each path and whether it was written now. Raises `FileError`.
    """
    folder = root / "migrations"
    try:
        return [
            (root / CONFIG_FILE, _write_if_missing(root / CONFIG_FILE, config_text)),
            (folder, _make_if_missing(folder)),
            (root / ".gitattributes", _write_if_missing(root / ".gitattributes", _ATTRIBUTES)),
        ]
    except OSError as error:
        raise _cannot_write(error, root) from None


def _write_new(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8", newline="\n") as file:
        try:
            file.write(text)
            file.flush()
        except BaseException:
            with suppress(OSError):  # an empty file would be there to stay
                path.unlink()
            raise


def _write_if_missing(path: Path, text: str) -> bool:
    try:
        _write_new(path, text)
    except FileExistsError:
        return False
    return True


def _make_if_missing(folder: Path) -> bool:
    if folder.is_dir():
        return False
    folder.mkdir()
    return True


def _cannot_write(error: OSError, otherwise: Path) -> FileError:
    path = str(error.filename or otherwise)
    if isinstance(error, FileExistsError):
        return FileError("this exists already; nothing was written", path=path)
    return FileError(f"this cannot be written: {(error.strerror or str(error)).lower()}", path=path)
