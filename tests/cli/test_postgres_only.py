"""What only PostgreSQL has, through the commands: roles, timeouts, no-transaction files, notices, psql's habits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import psycopg
import pytest
from psycopg import sql

from tests.fixtures.cli import FILES, FIVE, TAGS, TASKS, USERS, Project
from tests.fixtures.targets import PostgresTarget

pytestmark = pytest.mark.postgres

CONCURRENTLY = "-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY users_id ON users (id);\n"


@pytest.fixture
def connection(postgres_project: Project) -> Iterator[psycopg.Connection]:
    """Yield a connection of somebody else's to the project's database."""
    assert isinstance(postgres_project.target, PostgresTarget)
    with postgres_project.target.database.connect() as connection:
        yield connection


# -------------------------------------------------------------------------------------------- role


def owners(project: Project) -> set[str]:
    found = project.rows(
        "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "AND relkind IN ('r', 'S', 'v') UNION SELECT pg_get_userbyid(proowner) FROM pg_proc "
        "WHERE pronamespace = 'public'::regnamespace"
    )
    return {name for (name,) in found}


def test_a_role_owns_every_object_a_run_makes(postgres_project: Project, owner: str) -> None:
    postgres_project.set("dev", role=owner)
    postgres_project.write_tables()
    postgres_project.write(
        TAGS,
        "CREATE TABLE tags (id serial PRIMARY KEY);\nCREATE VIEW v AS SELECT 1;\n"
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';\n",
        "DROP TABLE tags;\nDROP VIEW v;\nDROP FUNCTION f();\n",
    )
    postgres_project.write(FILES, CONCURRENTLY, "-- migrate: no-transaction\nDROP INDEX CONCURRENTLY users_id;\n")
    postgres_project.ok("migrate")
    assert owners(postgres_project) == {owner}
    shown = postgres_project.ok("status").out
    assert f"as {owner} (login: " in shown
    postgres_project.ok("rollback", "--all")


def test_a_role_comes_back_for_every_file(postgres_project: Project, owner: str) -> None:
    postgres_project.set("dev", role=owner)
    postgres_project.write(USERS, "RESET ROLE;\nSET SESSION statement_timeout = '1h';\nSELECT 1;\n", "SELECT 1;\n")
    postgres_project.write_tables(TASKS)
    postgres_project.ok("migrate")
    assert owners(postgres_project) == {owner}


def test_a_role_that_cannot_be_taken_exits_2_and_says_which_grant_helps(postgres_project: Project) -> None:
    postgres_project.set("dev", role="nobody_has_this_role")
    postgres_project.write_tables()
    outcome = postgres_project.refuses(2, "migrate")
    assert "nobody_has_this_role" in outcome.err
    assert "GRANT" in outcome.err


def test_the_log_keeps_the_login_not_the_role(postgres_project: Project, owner: str) -> None:
    postgres_project.set("dev", role=owner)
    postgres_project.write_tables()
    postgres_project.ok("migrate")
    login = postgres_project.rows("SELECT session_user")[0]
    assert set(postgres_project.log("database_user")) == {login}
    assert set(postgres_project.rows("SELECT applied_by FROM schema_migrations")) == {login}


# ---------------------------------------------------------------------------------------- timeouts


def test_statement_timeout_of_the_environment_ends_a_statement(postgres_project: Project) -> None:
    postgres_project.set("dev", statement_timeout="200ms")
    postgres_project.write(USERS, "CREATE TABLE users (id integer);\nSELECT pg_sleep(30);\n")
    began = time.monotonic()
    outcome = postgres_project.run("migrate")
    assert time.monotonic() - began < 10
    assert outcome.code == 1
    assert "statement timeout" in outcome.err
    assert "57014" in outcome.err
    assert "statement_timeout" in outcome.err or "statement-timeout" in outcome.err
    assert not postgres_project.has_table("users")


def test_statement_timeout_of_a_file_wins(postgres_project: Project) -> None:
    postgres_project.set("dev", statement_timeout="200ms")
    postgres_project.write(USERS, "-- migrate: statement-timeout 20s\nSELECT pg_sleep(0.5);\n", "SELECT 1;")
    postgres_project.write(TASKS, "SELECT pg_sleep(30);\n")
    outcome = postgres_project.run("migrate", "--json")
    assert outcome.json["error"]["name"] == TASKS, "and the next file has the environment's again"
    assert postgres_project.applied() == [USERS]


@pytest.mark.parametrize("by", ["environment", "directive", "variable"])
def test_lock_timeout_ends_the_wait_for_a_table_that_somebody_holds(
    postgres_project: Project, connection: psycopg.Connection, by: str
) -> None:
    postgres_project.write_tables(USERS)
    postgres_project.ok("migrate")
    head = "-- migrate: lock-timeout 200ms\n" if by == "directive" else ""
    env = {"MIGRATION_MANAGER_LOCK_TIMEOUT": "200ms"} if by == "variable" else {}
    postgres_project.set("dev", lock_retries=0)
    if by == "environment":
        postgres_project.set("dev", lock_timeout="200ms")
    postgres_project.write(TASKS, head + "CREATE TABLE tasks (id integer);\nALTER TABLE users ADD name text;\n")
    with connection.transaction():
        connection.execute("LOCK TABLE users IN ACCESS SHARE MODE")
        began = time.monotonic()
        outcome = postgres_project.run("migrate", env=env)
        assert time.monotonic() - began < 4.5, "the default is 5 s"
    assert outcome.code == 5, "nothing is wrong with the file"
    assert "55P03" in outcome.err
    assert f"{TASKS}.sql:" in outcome.err
    assert not postgres_project.has_table("tasks")
    postgres_project.ok("migrate")
    assert postgres_project.applied() == [USERS, TASKS]


def test_lock_timeout_of_one_file_does_not_reach_the_next(postgres_project: Project) -> None:
    postgres_project.set("dev", lock_timeout="7s")
    postgres_project.write(USERS, "-- migrate: lock-timeout 200ms\nSET lock_timeout = '9h';\nSELECT 1;\n")
    postgres_project.write(TASKS, "CREATE TABLE tasks AS SELECT current_setting('lock_timeout') AS was;\n")
    postgres_project.ok("migrate")
    assert postgres_project.rows("SELECT was FROM tasks") == [("7s",)]


# --------------------------------------------------------------------------------- no transaction


def test_a_statement_that_refuses_a_transaction_is_told_with_the_advice(postgres_project: Project) -> None:
    postgres_project.write_tables(USERS)
    postgres_project.write(TASKS, "CREATE INDEX CONCURRENTLY users_id ON users (id);\n")
    outcome = postgres_project.run("migrate")
    assert outcome.code in (1, 2)
    assert "-- migrate: no-transaction" in outcome.err
    assert f"{TASKS}.sql:1:1" in outcome.err


@pytest.fixture
def unfinished(postgres_project: Project) -> Project:
    """Return a project with a no-transaction migration whose second of three statements fails."""
    postgres_project.write_tables(USERS, FILES)
    postgres_project.write(
        TASKS,
        "-- migrate: no-transaction\nCREATE TABLE tasks (id integer);\nINSERT INTO nowhere VALUES (1);\n"
        "CREATE TABLE more (id integer);\n",
        "-- migrate: no-transaction\nDROP TABLE tasks;\n",
    )
    return postgres_project


def test_a_no_transaction_failure_says_how_many_statements_were_kept(unfinished: Project) -> None:
    outcome = unfinished.run("migrate")
    assert outcome.code == 1
    assert f"{TASKS}.sql:3:13 failed" in outcome.err
    assert "1 of its 3 statements was kept" in outcome.err
    assert "unfinished" in outcome.err
    assert "`resume` goes on there" in outcome.err
    assert "resume --mark-applied" in outcome.err
    assert unfinished.has_table("tasks")
    assert not unfinished.has_table("files")
    assert unfinished.rows_of_history() == [(USERS, "applied"), (TASKS, "unfinished")]


def test_after_a_no_transaction_failure_status_and_migrate_tell_it_with_exit_4(unfinished: Project) -> None:
    unfinished.run("migrate")
    assert unfinished.status()[TASKS] == "unfinished"
    unfinished.refuses(4, "status", "--check")
    outcome = unfinished.refuses(4, "migrate")
    assert TASKS in outcome.err
    assert "`resume` goes on" in outcome.err
    unfinished.refuses(4, "verify")


def test_forget_is_a_way_out_of_unfinished(unfinished: Project) -> None:
    unfinished.run("migrate")
    unfinished.rows("DROP TABLE tasks")
    unfinished.file(TASKS).write_text("-- migrate: no-transaction\nCREATE TABLE tasks (id integer);\n")
    unfinished.ok("forget", "--name", TASKS, "--reason", "cleaned up by hand")
    unfinished.ok("migrate")
    assert unfinished.applied() == [USERS, TASKS, FILES]


def test_baseline_by_name_is_the_other_way_out_of_unfinished(unfinished: Project) -> None:
    unfinished.run("migrate")
    unfinished.ok("baseline", "--name", TASKS, "--reason", "finished by hand")
    assert unfinished.applied() == [USERS, TASKS]
    unfinished.ok("migrate")
    assert unfinished.applied() == [USERS, TASKS, FILES]


def test_rollback_is_a_third_way_out_of_unfinished(unfinished: Project) -> None:
    unfinished.run("migrate")
    unfinished.ok("rollback", "--name", TASKS)
    assert unfinished.applied() == [USERS]
    assert not unfinished.has_table("tasks")


def test_a_no_transaction_rollback_that_fails_is_unfinished_too(postgres_project: Project) -> None:
    postgres_project.write(
        USERS,
        "CREATE TABLE users (id integer);\n",
        "-- migrate: no-transaction\nDROP TABLE users;\nDROP TABLE nowhere;\n",
    )
    postgres_project.ok("migrate")
    outcome = postgres_project.run("rollback")
    assert outcome.code == 1
    assert "1 of its 2 statements was kept" in outcome.err
    assert postgres_project.rows_of_history() == [(USERS, "unfinished")]
    postgres_project.ok("forget", "--name", USERS)


def test_a_no_transaction_migration_is_logged_before_it_starts(unfinished: Project) -> None:
    unfinished.run("migrate")
    assert [row[1:] for row in unfinished.log("migration_name", "action", "outcome") if row[0] == TASKS] == [
        ("migrate", "started"),
        ("migrate", "failed"),
    ]


def test_a_concurrent_index_is_built_and_dropped(postgres_project: Project) -> None:
    postgres_project.write_tables(USERS)
    postgres_project.write(TASKS, CONCURRENTLY, "-- migrate: no-transaction\nDROP INDEX CONCURRENTLY users_id;\n")
    postgres_project.ok("migrate")
    assert postgres_project.rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'users_id'::regclass") == [(True,)]
    postgres_project.ok("rollback")
    assert postgres_project.applied() == [USERS]


# ------------------------------------------------------------------------------------ psql's habits


def test_a_file_that_empties_the_search_path_changes_nothing_for_the_next(postgres_project: Project) -> None:
    postgres_project.write(
        USERS, "SELECT pg_catalog.set_config('search_path', '', false);\nCREATE TABLE public.users (id integer);\n"
    )
    postgres_project.write_tables(TASKS)
    postgres_project.ok("migrate")
    assert postgres_project.has_table("public.tasks")


def test_copy_from_stdin_runs_with_its_rows(postgres_project: Project) -> None:
    postgres_project.write(
        USERS,
        "CREATE TABLE users (id integer, name text);\nCOPY users (id, name) FROM stdin;\n"
        "1\tit's; a [b]\n2\t\\N\n\\.\n\n"
        "INSERT INTO users VALUES (3, 'after');\n",
    )
    postgres_project.ok("migrate")
    assert postgres_project.rows("SELECT * FROM users ORDER BY 1") == [(1, "it's; a [b]"), (2, None), (3, "after")]


def test_a_psql_command_is_refused_with_its_place(postgres_project: Project) -> None:
    postgres_project.write(USERS, "CREATE TABLE users (id integer);\n\\i other.sql\n")
    assert f"{USERS}.sql:2:1" in postgres_project.refuses(2, "migrate").err


@pytest.mark.parametrize("schema", ["app data", "Ünï"])
def test_the_history_may_live_in_a_schema_of_its_own(postgres_project: Project, schema: str) -> None:
    postgres_project.set("dev", history_schema=schema, history_table="what we ran")
    postgres_project.write_tables()
    postgres_project.ok("migrate")
    place = sql.Identifier(schema, "what we ran").as_string()
    assert postgres_project.rows(f"SELECT count(*) FROM {place}") == [(5,)]
    assert postgres_project.status() == dict.fromkeys(FIVE, "applied")
    postgres_project.ok("rollback", "--all")


def test_a_server_of_two_hosts_is_found_where_it_answers(postgres_project: Project) -> None:
    assert isinstance(postgres_project.target, PostgresTarget)
    conninfo = dict(postgres_project.target.database.conninfo)
    nobody = "/nowhere" if conninfo["host"].startswith("/") else "127.0.0.1"
    conninfo |= {"host": f"{nobody},{conninfo['host']}", "port": f"1,{conninfo.get('port', '5432')}"}
    postgres_project.write_tables(USERS)
    postgres_project.variables["TARGET_URL"] = "postgresql://?" + urlencode(conninfo, quote_via=quote)
    postgres_project.ok("migrate")
