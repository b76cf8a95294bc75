"""The workbench of one worker: a server of its own, a database on it, a launcher of runners, and a look at the result.

Everything a campaign checks is asked of the database over a connection of the bench's own, never of the tool.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.campaign.claims import Said, read
from tests.campaign.launcher import COMMAND_LINE, Launcher, Runner
from tests.fixtures.bouncers import Bouncer, PoolMode, running_bouncer
from tests.fixtures.cli import plain_environment
from tests.fixtures.postgres import Database, new_database
from tests.fixtures.proxies import Proxy, running_proxy
from tests.fixtures.servers import OwnServer, own_server_in_its_folder

PATIENCE = 30.0  # seconds until a runner or its session counts as hanging

# Counts a table's rows, NULL where there is no such table. And what a file did, once for each time it really ran.
_HELPERS = """
CREATE SCHEMA campaign;
CREATE FUNCTION campaign.rows(name text, condition text DEFAULT 'true') RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE counted bigint;
BEGIN
  IF to_regclass(name) IS NULL THEN RETURN NULL; END IF;
  EXECUTE format('SELECT count(*) FROM %I WHERE %s', name, condition) INTO counted;
  RETURN counted;
END $$;
CREATE FUNCTION campaign.clean() RETURNS void LANGUAGE plpgsql AS $$
DECLARE found text;
BEGIN
  SELECT string_agg(oid::regclass::text, ', ') INTO found FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname !~ '^schema_migrations';
  IF found IS NOT NULL THEN EXECUTE 'DROP TABLE ' || found || ' CASCADE'; END IF;
  SELECT string_agg(oid::regclass::text, ', ') INTO found FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname ~ '^schema_migrations';
  IF found IS NOT NULL THEN EXECUTE 'TRUNCATE ' || found || ' RESTART IDENTITY CASCADE'; END IF;
  TRUNCATE campaign.ran;
END $$;
CREATE TABLE campaign.gate (open boolean DEFAULT true);
INSERT INTO campaign.gate DEFAULT VALUES;
CREATE TABLE campaign.ran (id bigint GENERATED ALWAYS AS IDENTITY, what text NOT NULL);
"""


@dataclass
class Measured:
    """How long something took, and how often that was relied on since."""

    seconds: float
    uses: int = 0


class Bench:
    """See the module; made by `workbench`."""

    def __init__(
        self, database: Database, server: OwnServer | None, launcher: Launcher, folder: Path, stack: ExitStack
    ) -> None:
        self.database = database
        self.server = server  # None for one that may not be killed
        self.launcher = launcher
        self.folder = folder
        self._stack = stack
        self._environment = plain_environment()
        self._connection: psycopg.Connection | None = None
        self._proxy: Proxy | None = None
        self._bouncers: dict[PoolMode, Bouncer] = {}
        self.commits: dict[str, int] = {}  # so many messages with COMMIT in them a run of a scenario sends
        self.durations: dict[str, Measured] = {}  # of runs that nobody disturbs
        self.ask(_HELPERS)
        self.version = str(self.ask("SHOW server_version")[0][0]).split()[0]

    # ------------------------------------------------------------------------------------ the database

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the database; a statement without rows answers none. Connects again where the connection is gone."""
        for last in (False, False, True):
            if self._connection is None or self._connection.closed:
                self._connection = self.database.connect()
            try:
                cursor = self._connection.execute(query.encode())
                return cursor.fetchall() if cursor.description else []
            except psycopg.OperationalError:
                self._connection.close()
                if last:
                    raise
                if self.server is not None:
                    self.server.wait_until_ready()
        raise AssertionError("unreachable")

    def value(self, query: str) -> Any:
        return self.ask(query)[0][0]

    def clean(self) -> None:
        """Take everything out of the database but the empty tables of the history, if it has them."""
        self.ask("SELECT campaign.clean()")

    def forget_history(self) -> None:
        """Take the history's tables away as well: the next run is the first ever."""
        self.ask("DROP SCHEMA public CASCADE; CREATE SCHEMA public")

    @property
    def has_history(self) -> bool:
        """Whether the tool's tables are there."""
        return bool(self.value("SELECT to_regclass('public.schema_migrations') IS NOT NULL"))

    def make_history(self) -> None:
        """Empty the database and have the tool make its tables, for designs that write into them."""
        self.clean()
        self.project({"20250101_000000_empty": "SELECT 1;\n"})
        said = self.run("migrate")
        assert said.succeeded, described(said)
        self.clean()

    def has_lost_its_connection(self) -> bool:
        """Return whether the server has ended the bench's own connection, as it ends all when one of them crashes."""
        if self._connection is None or self._connection.closed:
            return True
        try:
            self._connection.execute("SELECT 1")
        except psycopg.OperationalError:
            self._connection.close()
            return True
        return False

    def backends(self) -> list[int]:
        """Return the server's processes that work for runners."""
        return [row[0] for row in self.ask(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND backend_type = 'client backend'"
        )]  # fmt: skip

    def wait_until_alone(self) -> bool:
        """Wait until no session of a runner is left; False when one stays."""
        end, pause = time.monotonic() + PATIENCE, 0.0005
        while self.backends():
            if time.monotonic() > end:
                self.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                         "AND pid <> pg_backend_pid() AND backend_type = 'client backend'")  # fmt: skip
                return False
            time.sleep(pause)
            pause = min(pause * 2, 0.02)
        return True

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    # ------------------------------------------------------------------------------------ runners

    def project(self, files: dict[str, str]) -> Path:
        """Write a folder of migration files, in the place of the one before, and return it."""
        folder = self.folder / "migrations"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, text in files.items():
            (folder / f"{name}.sql").write_text(text, "utf-8")
        return folder

    def start(self, *arguments: str, through: Database | None = None, program: str = COMMAND_LINE) -> Runner:
        """Start a runner on the database, or on it `through` something, with the files of the last `project`."""
        where = ("--url", (through or self.database).url, "--dir", str(self.folder / "migrations"))
        return self.launcher.start(
            [*arguments, *where], folder=self.folder, environment=self._environment, program=program
        )

    def run(self, *arguments: str, through: Database | None = None) -> Said:
        """Run the command line to its end."""
        return self.said(self.start(*arguments, through=through))

    def said(self, runner: Runner, seconds: float = PATIENCE) -> Said:
        """Wait for a runner and return what it said; one that hangs is killed, and has the code None."""
        if not self.launcher.wait(runner, seconds):
            said = read(None, runner.out, runner.err)
            runner.kill()
            self.launcher.wait(runner, PATIENCE)
            return said
        return read(runner.code, runner.out, runner.err)

    # ------------------------------------------------------------------------------------ what stands between

    @property
    def proxy(self) -> Proxy:
        """A proxy in front of the server, started when it is first asked for."""
        if self._proxy is None:
            self._proxy = self._stack.enter_context(running_proxy(self.database.conninfo))
        return self._proxy

    def bouncer(self, mode: PoolMode) -> Bouncer:
        """Return a PgBouncer in front of the server, started when it is first asked for.

        In session mode it has a connection for every runner, otherwise a few that they share.
        """
        if mode not in self._bouncers:
            size = 100 if mode is PoolMode.SESSION else 8
            made = running_bouncer(self.database.conninfo, mode, pool_size=size)
            self._bouncers[mode] = self._stack.enter_context(made)
        return self._bouncers[mode]


@contextmanager
def workbench(folder: Path, *, programs: Path | None = None, url: str | None = None) -> Iterator[Bench]:
    """Have a workbench for as long as the block lasts.

    Its server is its own, of PostgreSQL's `programs` in a folder, by default the embedded server's; or it is the one at
    `url`, which is not killed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        server = None if url else stack.enter_context(own_server_in_its_folder(programs=programs))
        if server is not None:
            conninfo = server.conninfo
        else:
            conninfo = {key: str(value) for key, value in psycopg.conninfo.conninfo_to_dict(url or "").items()}
        database = stack.enter_context(new_database(conninfo))
        launcher = stack.enter_context(Launcher(folder / "streams"))
        bench = Bench(database, server, launcher, folder, stack)
        stack.callback(bench.close)
        yield bench


def first_lines(text: str, count: int = 6) -> str:
    """Return the beginning of a text, on one line."""
    return " | ".join(text.strip().splitlines()[:count])


def described(said: Said) -> str:
    """Return what a runner came to, for a report of a violation."""
    return f"exit {said.code}; out: {first_lines(said.out)}; err: {first_lines(said.err)}"
