"""What a file leaves in its session never reaches the next one, and nobody else has a say in the books (C10)."""

from __future__ import annotations

import re

import pytest

from tests.fixtures.cli import TAGS, TASKS, USERS, Project
from tests.fixtures.targets import PostgresTarget

pytestmark = pytest.mark.postgres

# What a file does to its session, and the question whether the next one finds it.
LEAKS = {
    "search_path": ("SET search_path = ''", "current_setting('search_path') IN ('', '\"\"')"),
    "search_path by function": (
        "SELECT set_config('search_path', 'pg_catalog', false)", "current_setting('search_path') = 'pg_catalog'",
    ),
    "role": ("SET ROLE pg_monitor", "current_user = 'pg_monitor'"),
    "session authorization": ("SET SESSION AUTHORIZATION pg_monitor", "session_user = 'pg_monitor'"),
    "replica role": (
        "SET session_replication_role = replica", "current_setting('session_replication_role') = 'replica'",
    ),
    "row security": ("SET row_security = off", "current_setting('row_security') = 'off'"),
    "lock timeout": ("SET lock_timeout = 4711", "current_setting('lock_timeout') = '4711ms'"),
    "statement timeout": ("SET statement_timeout = 471100", "current_setting('statement_timeout') = '471100ms'"),
    "isolation": (
        "SET default_transaction_isolation = 'serializable'",
        "current_setting('transaction_isolation') = 'serializable'",
    ),
    "deferrable": ("SET default_transaction_deferrable = on", "current_setting('transaction_deferrable') = 'on'"),
    "a setting of its own": ("SET app.tenant = 'seven'", "coalesce(current_setting('app.tenant', true), '') <> ''"),
    "prepared statement": ("PREPARE one AS SELECT 1", "EXISTS (SELECT FROM pg_prepared_statements)"),
    "cursor": (
        "DECLARE held CURSOR WITH HOLD FOR SELECT 1", "EXISTS (SELECT FROM pg_cursors WHERE name = 'held')",
    ),
    "temporary table": (
        "CREATE TEMPORARY TABLE shadow (id integer)", "to_regclass('pg_temp.shadow') IS NOT NULL",
    ),
    "sequence": ("SELECT nextval('counter')", "(SELECT last_value FROM counter) IS NULL"),
    "strings": ("SET standard_conforming_strings = off", "current_setting('standard_conforming_strings') = 'off'"),
    "encoding": ("SET client_encoding = 'LATIN1'", "current_setting('client_encoding') = 'LATIN1'"),
    "levels of messages": ("SET client_min_messages = error", "current_setting('client_min_messages') = 'error'"),
}  # fmt: skip


@pytest.mark.parametrize("header", ["", "-- migrate: no-transaction\n"], ids=["transaction", "no-transaction"])
@pytest.mark.parametrize("leak", LEAKS)
def test_nothing_of_a_session_reaches_the_next_file(postgres_project: Project, leak: str, header: str) -> None:
    project = postgres_project
    statement, found = LEAKS[leak]
    project.rows("CREATE SEQUENCE counter")
    project.write(USERS, f"{header}CREATE TABLE public.seen (before boolean, found boolean);\n{statement};\n")
    project.write(TASKS, f"INSERT INTO public.seen (found) SELECT {found};\n")
    project.ok("migrate")
    assert project.applied() == [USERS, TASKS]
    assert project.rows("SELECT found FROM seen") == [(False,)]


@pytest.mark.parametrize(
    "leak", [leak for leak in LEAKS if leak not in ("sequence", "cursor", "isolation", "deferrable")]
)
def test_these_would_be_found_if_they_stayed(postgres_project: Project, leak: str) -> None:
    statement, found = LEAKS[leak]
    assert isinstance(postgres_project.target, PostgresTarget)
    with postgres_project.target.database.connect() as connection:
        connection.execute(statement.encode())
        assert connection.execute(f"SELECT {found}".encode()).fetchone() == (True,)


def test_a_file_hears_nothing_of_what_another_one_listened_to(postgres_project: Project) -> None:
    project = postgres_project
    project.write(USERS, "LISTEN somebody;\n")
    project.write(TASKS, "NOTIFY somebody;\n")  # the server takes the first one's wish away as this one commits
    project.write(TAGS, "CREATE TABLE seen AS SELECT count(*) AS heard FROM pg_listening_channels();\n")
    project.ok("migrate")
    assert project.rows("SELECT heard FROM seen") == [(0,)]


def test_a_temporary_table_does_not_shadow_a_real_one_in_the_next_file(postgres_project: Project) -> None:
    project = postgres_project
    project.write(USERS, "CREATE TABLE users (id integer);\nCREATE TEMPORARY TABLE other (id integer);\n")
    project.write(TASKS, "CREATE TABLE other (id integer);\nINSERT INTO other VALUES (1);\n")
    project.ok("migrate")
    assert project.rows("SELECT count(*) FROM public.other") == [(1,)]


# --------------------------------------------------------------------------- names that are not what they seem


def test_functions_of_the_catalogs_names_are_never_called(postgres_project: Project) -> None:
    project = postgres_project
    raising = (
        "CREATE FUNCTION public.{0} RETURNS {1} LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the one of public was called'; END $$"
    )
    for head, kind in (
        ("now()", "timestamptz"), ("clock_timestamp()", "timestamptz"), ("to_regclass(text)", "regclass"),
        ("pg_backend_pid()", "integer"), ("pg_try_advisory_lock(bigint)", "boolean"), ("version()", "text"),
        ("current_database()", "name"), ("set_config(text, text, boolean)", "text"), ("concat(text, text)", "text"),
        ("current_setting(text)", "text"), ("current_setting(text, boolean)", "text"),
        ("format_type(oid, integer)", "text"),
        ("pg_try_advisory_xact_lock(bigint)", "boolean"), ("pg_advisory_unlock(bigint)", "boolean"),
        ("obj_description(oid, name)", "text"), ("pg_current_xact_id()", "xid8"), ("lower(text)", "text"),
        ("coalesce_text(text)", "text"), ("pg_is_in_recovery()", "boolean"), ("current_schemas(boolean)", "name[]"),
        ("current_schema()", "name"), ("to_char(timestamptz, text)", "text"),
    ):  # fmt: skip
        project.rows(raising.format(head, kind))
    project.rows(f'ALTER DATABASE "{project.database}" SET search_path = public, pg_catalog')
    project.write_tables()
    project.ok("migrate")
    project.ok("status")
    project.ok("history")
    project.ok("rollback", "--name", TASKS)
    project.write(
        "20250106_100000_index_users", "-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY i ON users (id);\n"
    )
    project.ok("migrate")


def test_an_operator_that_is_not_the_catalogs_ends_the_run_in_its_own_words(postgres_project: Project) -> None:
    project = postgres_project
    project.rows(
        "CREATE FUNCTION public.never(text, text) RETURNS boolean LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the one of public was called'; END $$"
    )
    project.rows("CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.never)")
    project.rows(f'ALTER DATABASE "{project.database}" SET search_path = public, pg_catalog')
    project.write_tables()
    failed = project.run("migrate")
    assert failed.code == 1
    assert "the one of public was called" in failed.err
    assert "Traceback" not in failed.err
    assert project.applied() == []


def test_a_table_of_the_historys_name_that_a_file_finds_first_is_not_written_to(postgres_project: Project) -> None:
    project = postgres_project
    project.write(
        USERS,
        "CREATE SCHEMA other;\nCREATE TABLE other.schema_migrations (LIKE public.schema_migrations);\n"
        "CREATE TABLE other.schema_migrations_log (LIKE public.schema_migrations_log);\n"
        "SET search_path = other, public;\n",
    )
    project.write_tables(TASKS)
    project.ok("migrate")
    assert project.rows("SELECT count(*) FROM public.schema_migrations") == [(2,)]
    assert project.rows("SELECT count(*) FROM other.schema_migrations") == [(0,)]
    assert project.rows("SELECT count(*) FROM other.schema_migrations_log") == [(0,)]


# ------------------------------------------------------------------------------------------ others' rules

WATCHING = "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;"
WATCHED = {
    "a trigger": WATCHING + "CREATE TRIGGER meddling BEFORE INSERT ON {0} FOR EACH ROW EXECUTE FUNCTION meddle();",
    "row level security": "ALTER TABLE {0} ENABLE ROW LEVEL SECURITY;",
    "a rule": "CREATE RULE meddling AS ON INSERT TO {0} DO INSTEAD NOTHING;",
}


@pytest.mark.parametrize("table", ["schema_migrations", "schema_migrations_log"])
@pytest.mark.parametrize("watched", WATCHED)
def test_a_history_that_others_have_a_say_in_is_refused(postgres_project: Project, watched: str, table: str) -> None:
    project = postgres_project
    project.write_tables(USERS, TASKS)
    project.ok("migrate", "--steps", "1")
    project.rows(WATCHED[watched].format(table))
    refused = project.refuses(4, "migrate")
    assert re.search(r"may not be what it seems", refused.err)
    project.refuses(4, "status")
    project.refuses(4, "rollback")


@pytest.mark.parametrize("kind", ["VIEW", "MATERIALIZED VIEW"])
def test_a_view_of_the_historys_name_is_refused(postgres_project: Project, kind: str) -> None:
    project = postgres_project
    project.write_tables(USERS, TASKS)
    project.ok("migrate", "--steps", "1")
    project.rows("ALTER TABLE schema_migrations RENAME TO kept")
    project.rows(f"CREATE {kind} schema_migrations AS SELECT * FROM kept")
    refused = project.refuses(4, "migrate")
    assert "nothing was written" in refused.err
    assert "history_table" in refused.err


def test_an_event_trigger_that_raises_fails_the_file_and_is_told(postgres_project: Project) -> None:
    project = postgres_project
    project.write_tables(USERS, TASKS)
    project.ok("migrate", "--steps", "1")
    project.rows(
        "CREATE FUNCTION frozen() RETURNS event_trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the schema is frozen' USING HINT = 'ask the database team'; END $$;"
        "CREATE EVENT TRIGGER frozen ON ddl_command_start EXECUTE FUNCTION frozen();"
    )
    failed = project.run("migrate")
    assert failed.code == 1
    assert f"{TASKS}.sql:1:1 failed" in failed.err
    assert "the schema is frozen" in failed.err
    assert "ask the database team" in failed.err
    assert project.applied() == [USERS]


def test_an_event_trigger_that_raises_before_there_is_a_history_leaves_nothing(postgres_project: Project) -> None:
    project = postgres_project
    project.write_tables(USERS)
    project.rows(
        "CREATE FUNCTION frozen() RETURNS event_trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the schema is frozen'; END $$;"
        "CREATE EVENT TRIGGER frozen ON ddl_command_start EXECUTE FUNCTION frozen();"
    )
    failed = project.refuses(1, "migrate")
    assert "the schema is frozen" in failed.err
    assert "Traceback" not in failed.err
    assert not project.has_table("schema_migrations")


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({"TimeZone": "Pacific/Chatham", "DateStyle": "German", "IntervalStyle": "sql_standard"}, "a zone"),
        ({"bytea_output": "escape", "extra_float_digits": "-15", "default_transaction_read_only": "on"}, "output"),
        ({"default_transaction_isolation": "serializable", "statement_timeout": "0"}, "transactions"),
        ({"standard_conforming_strings": "off", "escape_string_warning": "off"}, "strings"),
    ],
    ids=["zone and dates", "forms of values", "transactions", "strings"],
)
def test_settings_of_the_database_do_not_change_what_is_recorded(
    postgres_project: Project, settings: dict[str, str], shown: str
) -> None:
    project = postgres_project
    for name, value in settings.items():
        project.rows(f"ALTER DATABASE \"{project.database}\" SET {name} = '{value}'")
    project.write_tables()
    project.ok("migrate", env={"TZ": "America/St_Johns", "PGTZ": "Asia/Kathmandu"})
    document = project.ok("status", "--json", env={"TZ": "Australia/Lord_Howe"}).json
    assert document["counts"] == {"applied": 5}, shown
    plain = project.ok("status", "--json").json
    assert [m["applied_at"] for m in plain["migrations"]] == [m["applied_at"] for m in document["migrations"]]
    assert all(m["applied_at"].endswith(("Z", "+00:00")) for m in plain["migrations"])
