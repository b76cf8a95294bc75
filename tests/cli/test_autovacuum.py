"""An autovacuum that nobody may end is in the way: the one that keeps transaction numbers from running out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.cli import TASKS, USERS, backends, ended, until
from tests.fixtures.own_projects import project_on
from tests.fixtures.postgres import Database
from tests.fixtures.servers import OwnServer, own_server_in_its_folder

pytestmark = pytest.mark.postgres

# A table as old as this is vacuumed whatever the load; it is the smallest age that the server takes.
AGE = 100_000
SETTINGS = {
    "autovacuum": "on",
    "autovacuum_naptime": "1s",
    "autovacuum_freeze_max_age": str(AGE),
    "synchronous_commit": "off",
}
# Vacuumed for its age alone, and then as slowly as can be.
OPTIONS = "autovacuum_enabled = false, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1"
AT_WORK = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'autovacuum: VACUUM%public.users (to prevent wraparound)'"


@pytest.fixture
def server() -> Iterator[OwnServer]:
    with own_server_in_its_folder(SETTINGS) as started:
        yield started


@pytest.mark.slow
def test_an_autovacuum_against_wraparound_is_named(server: OwnServer, tmp_path: Path) -> None:
    """PostgreSQL cancels an autovacuum that is in somebody's way, but not this one (Documentation, 25.1.5)."""
    project = project_on(Database(server.conninfo), tmp_path / "project")
    project.write(USERS, f"CREATE TABLE users WITH ({OPTIONS}) AS SELECT * FROM generate_series(1, 100000) id;\n")
    project.ok("migrate")
    with server.connect() as connection:
        connection.execute(
            "CREATE PROCEDURE grow_old() LANGUAGE plpgsql AS"
            f" 'BEGIN FOR i IN 1..{AGE} LOOP PERFORM txid_current(); COMMIT; END LOOP; END'"
        )
        connection.execute("CALL grow_old()")
        until(lambda: connection.execute(AT_WORK).fetchone(), "autovacuum has begun")
        project.write(TASKS, "ALTER TABLE users ADD name text;\n")
        project.set("dev", lock_timeout="1min")
        with project.start("migrate") as runner:
            until(lambda: backends(project, "wait_event_type = 'Lock'"), "it waits")
            shown = project.ok("blockers").out
            connection.execute(f"SELECT pg_terminate_backend(pid) FROM ({AT_WORK}) a")
            outcome = ended(runner)
    named = r"blocked by autovacuum \(pid \d+\) to prevent wraparound"
    assert re.search(rf"waits for lock on users .*\n +{named}", shown), shown
    assert outcome.code == 0, outcome.text
