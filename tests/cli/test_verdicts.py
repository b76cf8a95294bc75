"""What became of a COMMIT that nobody confirmed: the log row of the run decides, whatever else is seen (C2 38-43)."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from migration_manager.engines import postgres_transaction
from tests.fixtures.cli import TASKS, USERS, Project, backends, until
from tests.fixtures.own_projects import project_on
from tests.fixtures.postgres import Database
from tests.fixtures.proxies import Break, Fault, Proxy, running_proxy
from tests.fixtures.servers import OwnServer

pytestmark = pytest.mark.postgres

COMMIT = b"SET state = 'applied'"


@pytest.fixture
def own_proxy(own_server: OwnServer) -> Iterator[Proxy]:
    with running_proxy(own_server.conninfo) as made:
        yield made


@pytest.fixture
def behind(own_project: Project, own_proxy: Proxy, own_database: Database) -> Project:
    """Return a project that has one file applied and one pending, and reaches its server through the proxy."""
    own_project.write_tables(USERS)
    own_project.ok("migrate")
    own_project.write_tables(USERS, TASKS)
    own_project.variables["TARGET_URL"] = own_proxy.through(own_database).url
    return own_project


@pytest.fixture
def without_standby(behind: Project, own_server: OwnServer) -> Iterator[psycopg.Connection]:
    """Have the COMMIT of the pending file wait for a standby that is not there; yields a way to end that."""
    behind.rows(f"ALTER DATABASE {behind.database} SET synchronous_commit = local")
    behind.write(TASKS, "SET synchronous_commit = on;\nCREATE TABLE tasks (id integer);\n")
    with own_server.connect() as connection:
        connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        connection.execute("SELECT pg_reload_conf()")
        try:
            yield connection
        finally:
            connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
            connection.execute("SELECT pg_reload_conf()")


@pytest.mark.usefixtures("without_standby")
def test_a_commit_that_stays_in_progress_is_waited_for_and_then_called_unknown(
    behind: Project, own_proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_transaction, "SETTLING", 2.0)
    own_proxy.set(Fault(Break.SWALLOWED, 1, text=COMMIT, patience=0.5))
    unknown = behind.run("migrate", "--json")
    assert unknown.code == 5, unknown.text
    error = unknown.json["error"]
    assert error["kind"] == "OutcomeUnknown"
    assert f"what became of {TASKS} is not known" in error["state"]
    assert "still being committed" in error["message"]


def test_a_commit_that_is_in_progress_for_a_while_is_kept_in_the_end(
    behind: Project, own_proxy: Proxy, without_standby: psycopg.Connection
) -> None:
    own_proxy.set(Fault(Break.SWALLOWED, 1, text=COMMIT, patience=0.5))
    with behind.start("migrate") as runner:
        until(lambda: backends(behind, "wait_event = 'SyncRep'"), "the COMMIT waits")
        until(lambda: len(backends(behind)) > 1, "it looks over another connection")
        without_standby.execute("ALTER SYSTEM RESET synchronous_standby_names")
        without_standby.execute("SELECT pg_reload_conf()")
        _, err = runner.communicate(timeout=60)
    assert runner.returncode == 0, err
    assert f"while {TASKS} was committed; it is kept, by a look at the database" in err
    assert behind.applied() == [USERS, TASKS]


def test_a_black_hole_at_commit_ends_in_a_verdict(behind: Project, own_proxy: Proxy) -> None:
    own_proxy.set(Fault(Break.BLACK_HOLE, 1, text=COMMIT, patience=1.0))
    lost = behind.run("migrate")
    assert lost.code == 5
    assert f"nothing of {TASKS} was kept: it was looked up over another connection" in lost.err
    assert behind.applied() == [USERS]


def test_a_server_that_crashes_in_the_commit_has_the_last_word(
    behind: Project, own_proxy: Proxy, own_server: OwnServer, own_database: Database
) -> None:
    """A transaction that the server never wrote down is "in the future" to it; its row is not there."""
    own_proxy.set(Fault(Break.BLACK_HOLE, 1, text=COMMIT, patience=20))
    with behind.start("migrate") as runner:
        assert own_proxy.wait_until_fired(30)
        own_server.crash()
        own_proxy.set(None)
        own_proxy.hang_up()
        _, err = runner.communicate(timeout=60)
    assert runner.returncode == 5, err
    assert f"nothing of {TASKS} was kept" in err
    direct = project_on(own_database, behind.root.parent / "direct")
    assert direct.applied() == [USERS]
    assert not direct.has_table("tasks")


def test_a_transaction_number_that_was_given_to_another_one_is_no_verdict(
    behind: Project, own_proxy: Proxy, own_server: OwnServer, own_database: Database
) -> None:
    """After a crash the number of a lost transaction is handed out again, and says committed of that other one."""
    own_proxy.set(Fault(Break.BLACK_HOLE, 1, text=COMMIT, patience=60))
    with behind.start("migrate") as runner:
        assert own_proxy.wait_until_fired(30)
        ((xid,),) = behind.rows(
            "SELECT backend_xid::text::bigint FROM pg_stat_activity WHERE application_name LIKE 'migration_manager%'"
            " AND backend_xid IS NOT NULL"
        )
        own_server.crash()
        with own_database.connect() as other:
            other.execute("CREATE TABLE others (n integer)")
            taken = 0
            while taken < xid:
                answer = other.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
                assert answer is not None
                taken = answer[0]
            assert other.execute(f"SELECT pg_xact_status('{xid}'::xid8)".encode()).fetchone() == ("committed",)
        own_proxy.set(None)
        own_proxy.hang_up()
        _, err = runner.communicate(timeout=60)
    assert runner.returncode == 5, err
    assert f"nothing of {TASKS} was kept" in err
    assert behind.applied() == [USERS]
