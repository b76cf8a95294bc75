"""Through a connection pooler: what is safe is done, what is not is refused with the setting that helps (C4)."""

from __future__ import annotations

import psycopg
import pytest

from tests.fixtures.bouncers import Bouncer, PoolMode, need_pgbouncer, running_bouncer
from tests.fixtures.cli import FIVE, TAGS, TASKS, USERS, Project
from tests.fixtures.proxies import Break, Fault, Sender, running_proxy
from tests.fixtures.targets import PostgresTarget

pytestmark = pytest.mark.postgres

WITHOUT_STATEMENT = pytest.mark.parametrize("bouncer", [PoolMode.SESSION, PoolMode.TRANSACTION], indirect=True)
TRANSACTION = pytest.mark.parametrize("bouncer", [PoolMode.TRANSACTION], indirect=True)
STATEMENT = pytest.mark.parametrize("bouncer", [PoolMode.STATEMENT], indirect=True)
SESSION = pytest.mark.parametrize("bouncer", [PoolMode.SESSION], indirect=True)

# What an application's client of the same pool sees of its session.
SETTINGS = (
    "default_transaction_read_only", "search_path", "lock_timeout", "statement_timeout", "role",
    "session_authorization", "idle_in_transaction_session_timeout", "client_connection_check_interval",
    "standard_conforming_strings", "work_mem",
)  # fmt: skip


@pytest.fixture
def pooled(postgres_project: Project, bouncer: Bouncer) -> Project:
    """Return a project that reaches its database through the pooler."""
    return through(postgres_project, bouncer)


def through(project: Project, bouncer: Bouncer) -> Project:
    assert isinstance(project.target, PostgresTarget)
    project.variables["TARGET_URL"] = bouncer.through(project.target.database).url
    return project


def client(project: Project, bouncer: Bouncer) -> psycopg.Connection:
    assert isinstance(project.target, PostgresTarget)
    return bouncer.through(project.target.database).connect()


@WITHOUT_STATEMENT
def test_everyday_work_goes_through(pooled: Project) -> None:
    pooled.write_tables()
    assert pooled.ok("status", "--json").json["counts"] == {"pending": 5}
    pooled.ok("migrate")
    assert pooled.applied() == list(FIVE)
    pooled.ok("rollback", "--name", TAGS)
    pooled.ok("migrate", "--atomic")
    assert sorted(pooled.applied()) == list(FIVE)
    pooled.ok("rollback", "--all")
    assert pooled.applied() == []
    pooled.ok("baseline", "--to", TASKS)
    assert pooled.applied() == [USERS, TASKS]


@WITHOUT_STATEMENT
def test_a_failing_file_keeps_nothing_and_points_at_its_place(pooled: Project) -> None:
    pooled.write(
        USERS, "CREATE TABLE users (id integer);\nINSERT INTO users VALUES (1);\nINSERT INTO nowhere SELECT 1;\n"
    )
    failed = pooled.run("migrate")
    assert failed.code == 1
    assert f"{USERS}.sql:3:13 failed" in failed.err
    assert not pooled.has_table("users")
    assert pooled.applied() == []


@WITHOUT_STATEMENT
def test_another_client_of_the_pool_finds_its_session_as_it_was(pooled: Project, bouncer: Bouncer) -> None:
    def seen() -> list[object]:
        with client(pooled, bouncer) as connection:
            return [connection.execute(f"SHOW {name}".encode()).fetchone() for name in SETTINGS]

    before = seen()
    pooled.set("dev", lock_timeout="1234ms", statement_timeout="17s")
    pooled.write(
        USERS,
        "SET search_path = pg_catalog; SET work_mem = '1MB'; SET lock_timeout = 0;"
        " SET standard_conforming_strings = off; CREATE TEMPORARY TABLE scratch (n integer); LISTEN somebody;"
        " SELECT pg_advisory_lock(4711);"
        " CREATE TABLE public.users (id integer); SET ROLE pg_monitor;\n",
        "DROP TABLE public.users;\n",
    )
    pooled.write(TASKS, "SELECT 1;\nSELECT 1 / 0;\n")
    assert pooled.run("migrate").code == 1
    assert pooled.applied() == [USERS]
    assert seen() == before
    with client(pooled, bouncer) as connection:
        connection.execute("CREATE TABLE written (n integer)")
        connection.execute("CREATE TEMPORARY TABLE scratch (n integer)")
        held = (
            "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
            " WHERE locktype = 'advisory' AND datname = current_database()"
        )
        assert connection.execute(held).fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM pg_listening_channels()").fetchone() == (0,)


@TRANSACTION
def test_settings_of_the_environment_count_through_a_transaction_pooler(pooled: Project) -> None:
    pooled.set("dev", lock_timeout="1234ms", statement_timeout="17s")
    pooled.write(
        USERS,
        "CREATE TABLE seen AS"
        " SELECT current_setting('lock_timeout') AS one, current_setting('statement_timeout') AS other;\n",
    )
    pooled.ok("migrate")
    assert pooled.rows("SELECT * FROM seen") == [("1234ms", "17s")]


@TRANSACTION
def test_the_role_is_taken_in_each_transaction(pooled: Project) -> None:
    role = f"owner_{pooled.database}"
    pooled.rows(f"CREATE ROLE {role}")
    try:
        pooled.rows(f"GRANT CREATE, USAGE ON SCHEMA public TO {role}")
        pooled.set("dev", role=role)
        pooled.write_tables(USERS, TASKS)
        pooled.ok("migrate")
        owners = pooled.rows("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
        assert owners == [(role,)]
    finally:
        pooled.rows(f"DROP OWNED BY {role} CASCADE")
        pooled.rows(f"DROP ROLE {role}")


@TRANSACTION
def test_a_deferred_constraint_trigger_still_finds_what_the_script_left(pooled: Project) -> None:
    pooled.write(
        USERS,
        "CREATE SCHEMA app; CREATE TABLE app.t (n integer);\n"
        "CREATE FUNCTION app.late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO seen VALUES (current_setting('search_path')); RETURN NULL; END $$;\n"
        "CREATE TABLE app.seen (path text);\n"
        "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON app.t DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION app.late();\n"
        "SET search_path = app; INSERT INTO t VALUES (1);\n",
    )
    pooled.ok("migrate")
    assert pooled.rows("SELECT path FROM app.seen") == [("app",)]


@TRANSACTION
def test_a_no_transaction_file_is_refused_with_the_setting_that_helps(pooled: Project) -> None:
    pooled.write_tables(USERS)
    pooled.write(TASKS, "-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY i ON users (id);\n")
    refused = pooled.run("migrate")
    assert refused.code == 2
    assert "migrate_url" in refused.err
    assert not pooled.has_table("schema_migrations"), "nothing is begun that cannot be finished"
    assert pooled.ok("migrate", "--dry-run").code == 0
    assert isinstance(pooled.target, PostgresTarget)
    pooled.configure(
        '[environments.dev]\nurl = "${TARGET_URL}"\nmigrate_url = "${DIRECT_URL}"\n',
    )
    pooled.variables["DIRECT_URL"] = pooled.target.database.url
    pooled.ok("migrate")
    assert pooled.applied() == [USERS, TASKS]


@SESSION
def test_a_no_transaction_file_runs_where_the_session_is_ours(pooled: Project) -> None:
    pooled.write_tables(USERS)
    pooled.write(TASKS, "-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY i ON users (id);\n")
    pooled.ok("migrate")
    assert pooled.applied() == [USERS, TASKS]


@STATEMENT
def test_statement_pooling_is_refused_and_nothing_is_written(pooled: Project) -> None:
    pooled.write_tables()
    refused = pooled.run("migrate", "--json")
    assert refused.code == 2
    assert "statement pooling" in refused.json["error"]["message"]
    assert "migrate_url" in refused.json["error"]["hint"]
    assert not pooled.has_table("schema_migrations")
    assert pooled.ok("status", "--json").json["counts"] == {"pending": 5}, "looking needs no transaction of its own"


@TRANSACTION
def test_a_connection_that_is_lost_while_the_pooler_is_tried_is_not_taken_for_statement_pooling(
    postgres_project: Project, bouncer: Bouncer
) -> None:
    project = postgres_project
    assert isinstance(project.target, PostgresTarget)
    pooled = bouncer.through(project.target.database)
    project.write_tables()
    with running_proxy(pooled.conninfo) as line:
        project.variables["TARGET_URL"] = line.through(pooled).url
        line.set(Fault(Break.BEFORE, 1, Sender.CLIENT, b"BEGIN; "))
        lost = project.run("migrate")
        assert line.wait_until_fired(0)
        assert lost.code == 5, lost.text
        assert "the connection was lost" in lost.err
        assert "statement pooling" not in lost.err
        project.ok("migrate")
    assert project.applied() == list(FIVE)


@TRANSACTION
def test_the_lock_of_a_direct_run_keeps_a_pooled_one_out(pooled: Project) -> None:
    pooled.write_tables()
    pooled.ok("migrate", "--steps", "1")
    with pooled.target.child("hold") as child:
        refused = pooled.run("migrate", "--lock-wait", "1s")
        assert refused.code == 5
        assert "pid" in refused.err
        assert pooled.applied() == [USERS]
        child.go()
        child.hears()
    pooled.ok("migrate")
    assert pooled.applied() == list(FIVE)


def test_a_pooler_that_swallows_the_options_is_noticed(
    postgres_project: Project, postgres_server: dict[str, str]
) -> None:
    project = postgres_project
    need_pgbouncer()
    with running_bouncer(
        postgres_server, PoolMode.TRANSACTION, settings={"ignore_startup_parameters": "options"}
    ) as made:
        through(project, made)
        project.set("dev", lock_timeout="1234ms")
        project.write(USERS, "CREATE TABLE seen AS SELECT current_setting('lock_timeout') AS lock_timeout;")
        project.ok("migrate")
        assert project.rows("SELECT * FROM seen") == [("1234ms",)]
        with client(project, made) as connection:
            assert connection.execute("SHOW default_transaction_read_only").fetchone() == ("off",)
