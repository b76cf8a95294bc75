"""Where a directory's cluster lives, which account its server runs as, and who owns what is made there.

PostgreSQL refuses to run as root, so root starts it as somebody else: the project's owner where there is
one. What root makes belongs to the owner of the folder it stands in, who can then go on without being root.
"""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from migration_manager.errors import DatabaseUnreachable

# Where root puts a cluster whose directory its server's account cannot enter (a project under /root).
ELSEWHERE = Path("/var/lib/migration_manager/embedded")

_CHECK_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Account:
    """Who a server runs as that root starts."""

    uid: int
    gid: int
    name: str


@dataclass(frozen=True, slots=True)
class Place:
    """A directory, as written and as it is, the home of its cluster, and the server's account (None: we)."""

    shown: str
    directory: Path
    home: Path
    account: Account | None

    @property
    def gate(self) -> Path:
        return self.directory / "gate.lock"

    @property
    def users(self) -> Path:
        return self.directory / "users.lock"

    @property
    def keep(self) -> Path:
        return self.directory / "keep"

    @property
    def marker(self) -> Path:
        return self.directory / "MOVED.txt"

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def server_lock(self) -> Path:
        return self.home / "server.lock"

    @property
    def log(self) -> Path:
        return self.home / "server.log"


def find(directory: Path) -> Place:
    """Say where the cluster of a directory is, or would be made. Does not write."""
    real = Path(os.path.realpath(directory))
    place = Place(str(directory), real, real, None)
    if os.path.lexists(place.marker):
        place = replace(place, home=_elsewhere(real))
    if os.geteuid() == 0:
        return replace(place, account=_account(real, place.data))
    if place.home != real:
        raise DatabaseUnreachable(
            f"the embedded PostgreSQL in {directory} was made by root and lives in {place.home}",
            hint="use it as root, or choose another directory with `embedded:DIRECTORY`",
        )
    return place


def prepare(place: Place) -> None:
    """Make the directory and keep it out of git."""
    make_folder(place.directory)
    ignore = place.directory / ".gitignore"
    if not os.path.lexists(ignore):
        write_file(ignore, "*\n")


def elsewhere(place: Place) -> Place:
    """Give a home that any account can enter; it counts once `mark_moved` has said so in the directory."""
    moved = replace(place, home=_elsewhere(place.directory))
    make_folder(moved.home)
    check_ours_alone(moved.home)
    return moved


def mark_moved(place: Place) -> None:
    write_file(
        place.marker,
        f"PostgreSQL does not run as root, and its user here may not enter this folder.\n"
        f"The database therefore lives in {place.home}\n"
        f"Without this file that folder counts as a leftover and is emptied at the next start.\n",
    )


def make_folder(path: Path) -> None:
    """Make a folder and its missing parents."""
    if path.is_dir():
        return
    make_folder(path.parent)
    try:
        path.mkdir(0o700)
    except FileExistsError:
        if not path.is_dir():
            raise
        return
    if os.geteuid() == 0:
        above = path.parent.stat()
        os.chown(path, above.st_uid, above.st_gid)
        # The server's account has to get through, whatever the umask; what is secret below is 0700 itself.
        path.chmod(0o755)


def open_file(path: Path, flags: int, mode: int = 0o600) -> int:
    """Open a file of ours, made when missing. Follows no link: root works here in other people's folders."""
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    except FileExistsError:
        return os.open(path, flags | os.O_NOFOLLOW)
    if os.geteuid() == 0:
        above = path.parent.stat()
        os.fchown(descriptor, above.st_uid, above.st_gid)
    return descriptor


def write_file(path: Path, text: str) -> None:
    with open(open_file(path, os.O_WRONLY | os.O_TRUNC, 0o644), "w", encoding="utf-8") as file:
        file.write(text)


def hand_over(path: Path, account: Account | None) -> None:
    """Give a folder that root has just made to the server's account."""
    if account is not None:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def check_ours_alone(path: Path) -> None:
    """Refuse a folder of root's that somebody else could have put there or can write in."""
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise DatabaseUnreachable(
            f"{path} is not a folder that only root can write in", hint="look at who made it, and remove it"
        )


def run_options(account: Account | None) -> dict[str, Any]:
    """Give what every child process gets: the server's account and nothing of our environment.

    PG* variables would change the server behind our back, and the account could read root's secrets there.
    """
    options: dict[str, Any] = {
        "cwd": "/",  # ours may be closed to the account
        "env": {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"},
        "stdin": subprocess.DEVNULL,
    }
    if account is not None:
        options |= {"user": account.uid, "group": account.gid, "extra_groups": []}
    return options


def can_use(account: Account, folder: Path) -> bool:
    """Try as the account to write in a folder: modes alone do not tell (parents, ACLs, mounts)."""
    script = 'cd "$1" && : > probe && rm probe'
    command = ["/bin/sh", "-c", script, "sh", str(folder)]
    return succeeds(command, account)


def succeeds(command: list[str], account: Account) -> bool:
    """Run a small check as the account."""
    options = run_options(account)
    done = subprocess.run(command, check=False, capture_output=True, timeout=_CHECK_SECONDS, **options)
    return done.returncode == 0


def _elsewhere(directory: Path) -> Path:
    return ELSEWHERE / hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]


def _account(directory: Path, data: Path) -> Account:
    """Choose who the server runs as: the cluster's owner, else the project's, else a service account."""
    import pwd  # POSIX only

    try:
        made = os.lstat(data)
        if made.st_uid != 0:
            return Account(made.st_uid, made.st_gid, _name(made.st_uid))
    except (FileNotFoundError, NotADirectoryError):
        pass
    existing = next(folder for folder in (directory, *directory.parents) if folder.exists())
    for user in (existing.stat().st_uid, "postgres", "nobody"):
        try:
            entry = pwd.getpwuid(user) if isinstance(user, int) else pwd.getpwnam(user)
        except KeyError:  # initdb wants a name, which a container often has not for the owner of a mounted folder
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid, entry.pw_name)
    raise DatabaseUnreachable(
        "PostgreSQL does not run as root, and there is no user postgres or nobody to run it as",
        hint="run as another user",
    )


def _name(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
