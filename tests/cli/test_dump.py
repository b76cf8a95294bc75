"""The schema as a file: `dump`, and `schema_file` after a run (real pg_dump, real servers)."""

from __future__ import annotations

import secrets
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from migration_manager import embedded
from tests.fixtures.bouncers import Bouncer, PoolMode
from tests.fixtures.cli import (
    FIVE,
    NOTES,
    REPOSITORY,
    TAGS,
    TASKS,
    USERS,
    Project,
    call,
    ended,
    on_sqlite,
    plain_environment,
    until,
)
from tests.fixtures.own_projects import project_on
from tests.fixtures.postgres import Database, embedded_binaries, need_embedded, new_database, without_postgres
from tests.fixtures.programs import program
from tests.fixtures.servers import own_server_in_its_folder
from tests.fixtures.targets import PostgresTarget, SqliteTarget

DEBIANS = Path("/usr/lib/postgresql/15/bin")
CANARY = "c4naryBird7Kq2"

# One of nearly every kind, some of them on names that have to be quoted.
RICH = """\
CREATE SCHEMA shop;
CREATE EXTENSION IF NOT EXISTS plpgsql;
CREATE TYPE shop.mood AS ENUM ('sad', 'it''s fine');
CREATE DOMAIN shop.positive AS integer CHECK (VALUE > 0);
CREATE TABLE shop."Odd Table" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "Ünit" text DEFAULT E'a\\nb');
CREATE TABLE shop.events (at date NOT NULL, mood shop.mood) PARTITION BY RANGE (at);
CREATE TABLE shop.events_2025 PARTITION OF shop.events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE INDEX ON shop.events (mood) WHERE mood = 'sad';
CREATE VIEW shop.sad AS SELECT * FROM shop.events WHERE mood = 'sad';
CREATE MATERIALIZED VIEW shop.days AS SELECT DISTINCT at FROM shop.events;
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS $x$
BEGIN
--
-- Name: not_a_head; Type: USER MAPPING; Schema: -; Owner: -
--
  RETURN NEW;
END $x$;
CREATE TRIGGER touched BEFORE UPDATE ON shop."Odd Table" FOR EACH ROW EXECUTE FUNCTION shop.touch();
ALTER TABLE shop."Odd Table" ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON shop."Odd Table" USING (true);
COMMENT ON TABLE shop.events IS 'what; happened -- when';
"""


@pytest.fixture
def rich(postgres_project: Project) -> Project:
    """Return a project whose database has one of nearly every kind, made by migrations."""
    project = postgres_project
    project.write(USERS, RICH, "DROP SCHEMA shop CASCADE;\n")
    project.write_tables(TASKS)
    project.ok("migrate")
    return project


def schema(project: Project, *options: str) -> str:
    return project.ok("dump", "--file", "-", *options).out


def restore(text: str, database: Database, folder: Path) -> None:
    path = folder / "restored.sql"
    path.write_text(text)
    command = [program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-1", f"--file={path}", f"--dbname={database.url}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def without_names(text: str) -> str:
    """Return a schema without what stands at its end about migrations."""
    return text[: text.index("-- Applied migrations")]


# ------------------------------------------------------------------------------------------------ the text


def test_the_applied_migrations_stand_at_its_end_and_no_table_of_the_history_is_in_it(applied: Project) -> None:
    text = schema(applied)
    assert text.endswith("".join(f"-- applied: {name}\n" for name in FIVE))
    assert "CREATE TABLE" in text
    assert "schema_migrations" not in text


def test_two_runs_write_the_same_text_and_so_does_a_rollback_and_a_migration(applied: Project) -> None:
    first = schema(applied)
    assert schema(applied) == first
    applied.ok("rollback", "--steps", "2")
    assert schema(applied) != first
    applied.ok("migrate")
    assert schema(applied) == first


@pytest.mark.postgres
def test_versions_and_keys_are_not_in_it(rich: Project) -> None:
    text = schema(rich)
    for noise in ("\\restrict", "\\unrestrict", "Dumped from", "Dumped by", "transaction_timeout", "Owner: postgres"):
        assert noise not in text
    assert "-- Name: not_a_head; Type: USER MAPPING" in text, "it is a part of a function"


@pytest.mark.postgres
def test_it_loads_into_an_empty_database_and_dumps_equal(
    rich: Project, postgres_server: dict[str, str], tmp_path: Path
) -> None:
    text = schema(rich)
    with new_database(postgres_server) as database:
        restore(text, database, tmp_path)
        other = project_on(database, tmp_path / "other")
        assert schema(other).removesuffix("-- No migration is applied.\n") == without_names(text)
        shutil.copytree(rich.migrations, other.migrations, dirs_exist_ok=True)
        command = next(line for line in text.splitlines() if line.startswith("-- migration-manager "))
        other.ok(*command.removeprefix("-- migration-manager ").split())
        assert schema(other) == text
        assert set(other.status().values()) == {"applied"}


@pytest.mark.postgres
def test_it_is_a_first_migration_as_it_is(rich: Project, postgres_server: dict[str, str], tmp_path: Path) -> None:
    text = schema(rich)
    with new_database(postgres_server) as database:
        other = project_on(database, tmp_path / "other")
        other.write(USERS, text)
        other.ok("migrate")
        assert without_names(schema(other)) == without_names(text)


@pytest.mark.postgres
def test_a_history_in_a_schema_of_its_own_is_left_out_with_the_schema(postgres_project: Project) -> None:
    project = postgres_project
    project.set("dev", history_schema="Our Books", history_table="done")
    project.write_tables(USERS)
    project.ok("migrate")
    assert "Our Books" not in schema(project)
    assert f"-- applied: {USERS}" in schema(project)
    project.rows('CREATE TABLE "Our Books".other ()')
    text = schema(project)
    assert 'CREATE SCHEMA "Our Books"' in text
    assert 'CREATE TABLE "Our Books".other' in text
    assert "done" not in text


@pytest.mark.postgres
def test_owners_and_privileges_are_in_it_where_they_are_wanted(postgres_project: Project, owner: str) -> None:
    project = postgres_project
    project.set("dev", role=owner)
    project.write(USERS, "CREATE TABLE users ();\nGRANT SELECT ON users TO PUBLIC;\n")
    project.ok("migrate")
    for word in ("OWNER TO", "GRANT"):
        assert word not in schema(project)
        assert word in schema(project, "--owners")


@pytest.mark.postgres
def test_another_tools_history_is_a_table_like_any_other(postgres_project: Project) -> None:
    project = postgres_project
    project.rows("CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY)")
    outcome = project.ok("dump")
    assert "CREATE TABLE public.schema_migrations" in outcome.out
    assert "belongs to" in outcome.err


@pytest.mark.postgres
def test_a_password_in_an_object_is_never_written(postgres_project: Project) -> None:
    project = postgres_project
    project.write(
        USERS,
        "CREATE FOREIGN DATA WRAPPER far;\nCREATE SERVER there FOREIGN DATA WRAPPER far;\n"
        f"CREATE USER MAPPING FOR PUBLIC SERVER there OPTIONS (password '{CANARY}');\n"
        f"CREATE SUBSCRIPTION sub CONNECTION 'password={CANARY}' PUBLICATION p WITH (connect = false);\n",
    )
    project.ok("migrate")
    try:
        outcome = project.ok("dump")
        assert CANARY not in outcome.text
        assert "CREATE SERVER there" in outcome.out
        assert "warning: left out, for it may hold a password: USER MAPPING public SERVER there" in outcome.err
    finally:
        project.rows("ALTER SUBSCRIPTION sub SET (slot_name = NONE)")
        project.rows("DROP SUBSCRIPTION sub")


@pytest.mark.postgres
def test_the_environments_own_password_in_a_function_is_refused(postgres_project: Project) -> None:
    project = postgres_project
    assert isinstance(project.target, PostgresTarget)
    conninfo = project.target.database.conninfo
    if "password" in conninfo:
        pytest.skip("the server of this run wants its own password")
    project.variables["TARGET_URL"] = Database({**conninfo, "password": CANARY}).url
    project.rows(f"CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT 'password={CANARY}' $$")
    refused = project.refuses(6, "dump", "-o", "schema.sql")
    assert "of the schema has the password of this environment in it" in refused.err
    assert CANARY not in refused.text


# ------------------------------------------------------------------------------------------ file and check


def test_the_file_is_the_text_and_is_not_touched_while_it_is_the_schema(applied: Project) -> None:
    path = applied.root / "schema.sql"
    assert "written" in applied.ok("dump", "-o", "schema.sql").out
    assert path.read_text() == schema(applied)
    before = path.stat()
    assert "not written" in applied.ok("dump", "-o", "schema.sql").out
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_check_exits_4_with_the_difference_and_writes_nothing(applied: Project) -> None:
    missing = applied.refuses(4, "dump", "--check", "-o", "schema.sql")
    assert "schema.sql is not the schema of the database." in missing.out
    applied.ok("dump", "-o", "schema.sql")
    assert applied.refuses(0, "dump", "--check", "-o", "schema.sql").err == ""
    applied.ok("rollback")
    refused = applied.refuses(4, "dump", "--check", "-o", "schema.sql")
    assert f"--- applied: {FIVE[-1]}" in refused.out
    assert "migration-manager dump -o schema.sql --env dev" in refused.out
    other = applied.run("dump", "--check", "--owners", "-o", "my schema.sql")
    assert "Next: migration-manager dump -o 'my schema.sql' --owners --env dev" in other.out, "it asks for the same"
    document = applied.refuses(4, "dump", "--check", "-o", "schema.sql", "--json").json
    assert (document["same"], document["written"], document["applied"]) == (False, False, list(FIVE[:-1]))
    assert f"--- applied: {FIVE[-1]}" in document["diff"]


@on_sqlite
def test_a_checkout_with_other_line_ends_is_the_same(applied: Project) -> None:
    applied.ok("dump", "-o", "schema.sql")
    path = applied.root / "schema.sql"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    applied.refuses(0, "dump", "--check", "-o", "schema.sql")


@on_sqlite
def test_check_needs_a_file(project: Project) -> None:
    assert "--check compares a file" in project.refuses(2, "dump", "--check").err
    assert "--check compares a file" in project.refuses(2, "dump", "--check", "-o", "-").err


def test_the_document_has_the_text_where_no_file_is_written(applied: Project) -> None:
    document = applied.ok("dump", "--json").json
    assert document["schema"] == schema(applied)
    assert (document["file"], document["same"], document["written"]) == (None, None, False)


@on_sqlite
def test_a_file_that_cannot_be_written_is_an_error_with_its_path(applied: Project) -> None:
    refused = applied.refuses(2, "dump", "-o", "nowhere/schema.sql")
    assert "nowhere/schema.sql: cannot be written: no such file or directory" in refused.err


# ------------------------------------------------------------------------------------------- schema_file


def test_the_configured_file_is_written_after_each_run_that_changed_something(project: Project) -> None:
    project.set("dev", schema_file="db/schema.sql")
    path = project.root / "db" / "schema.sql"
    path.parent.mkdir()
    project.write_tables()
    assert "db/schema.sql  written" in project.ok("migrate").out
    project.refuses(0, "dump", "--check")
    assert path.read_text() == schema(project)
    before = path.stat().st_mtime_ns
    project.ok("migrate")
    assert path.stat().st_mtime_ns == before, "nothing was changed"
    assert project.ok("rollback", "--json").json["schema_file"] == {
        "path": "db/schema.sql", "written": True, "error": None,
    }  # fmt: skip
    project.refuses(0, "dump", "--check")
    project.ok("baseline", "--all")
    project.refuses(0, "dump", "--check")


def test_the_configured_file_is_written_after_resume(project: Project) -> None:
    project.set("dev", schema_file="schema.sql")
    project.write(USERS, "-- migrate: no-transaction\nCREATE TABLE users (id integer);\nSELECT * FROM missing;\n")
    assert project.run("migrate").code == 1
    assert not (project.root / "schema.sql").exists(), "the run failed"
    project.rows("CREATE TABLE missing (id integer)")
    project.ok("resume")
    project.refuses(0, "dump", "--check")


def test_a_file_that_cannot_be_written_does_not_fail_the_run_that_is_committed(project: Project) -> None:
    project.set("dev", schema_file="nowhere/schema.sql")
    project.write_tables(USERS, TASKS)
    outcome = project.ok("migrate", "--steps", "1", "--quiet")
    assert "warning: THE SCHEMA FILE IS OLD: nowhere/schema.sql was not written" in outcome.err
    assert "the run was finished and is kept" in outcome.err
    assert project.applied() == [USERS]
    told = project.ok("migrate", "--json")
    assert told.json["schema_file"]["written"] is False
    assert "cannot be written" in told.json["schema_file"]["error"]
    assert [step["name"] for step in told.json["done"]] == [TASKS]


@pytest.mark.postgres
def test_without_pg_dump_the_run_is_kept_and_dump_says_why_it_cannot(postgres_project: Project) -> None:
    project = postgres_project
    project.set("dev", schema_file="schema.sql", pg_bin="no/programs")
    project.write_tables(USERS)
    outcome = project.ok("migrate")
    assert "THE SCHEMA FILE IS OLD" in outcome.err
    assert "which takes a pg_dump of version" in outcome.err
    assert project.applied() == [USERS]
    refused = project.refuses(2, "dump")
    assert f"there is none in {project.root}/no/programs" in refused.err


# -------------------------------------------------------------------------------- roles, locks, the way there


@pytest.fixture
def login(postgres_project: Project) -> Iterator[str]:
    """Yield a login that may do nothing but connect; the project's URL is that login's."""
    project = postgres_project
    name = f"login_{secrets.token_hex(6)}"
    project.write_tables()
    project.ok("migrate")
    project.rows(f"CREATE ROLE {name} LOGIN PASSWORD '{CANARY}'")
    assert isinstance(project.target, PostgresTarget)
    conninfo = {**project.target.database.conninfo, "user": name, "password": CANARY}
    project.variables["TARGET_URL"] = Database(conninfo).url
    yield name
    project.rows(f"DROP OWNED BY {name}")
    project.rows(f"DROP ROLE {name}")


@pytest.mark.postgres
def test_a_role_that_may_only_read_is_enough(postgres_project: Project, login: str) -> None:
    postgres_project.rows(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {login}")
    before = postgres_project.everything()
    assert f"-- applied: {FIVE[-1]}" in schema(postgres_project)
    assert postgres_project.everything() == before


@pytest.mark.postgres
def test_a_role_that_may_not_read_a_table_is_told_so(postgres_project: Project, login: str) -> None:
    postgres_project.rows(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {login}")
    postgres_project.rows(f"REVOKE ALL ON users FROM {login}")
    refused = postgres_project.refuses(2, "dump", "-o", "schema.sql")
    assert "pg_dump may not read this schema" in refused.err
    assert "permission denied for table users" in refused.err
    assert "GRANT" in refused.err


@contextmanager
def locked(project: Project, table: str) -> Iterator[psycopg.Connection]:
    assert isinstance(project.target, PostgresTarget)
    with project.target.database.connect() as holder:
        holder.execute("BEGIN")
        holder.execute(sql.SQL("LOCK TABLE {}").format(sql.Identifier(table)))
        yield holder


def waiting_dumps(project: Project) -> list[tuple[int]]:
    return project.rows(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '% pg_dump'"
        " AND wait_event_type = 'Lock'"
    )


@pytest.mark.postgres
def test_a_lock_that_is_not_free_is_a_reason_to_try_later(postgres_project: Project) -> None:
    project = postgres_project
    project.write_tables()
    project.ok("migrate")
    project.set("dev", lock_timeout="200ms")
    with locked(project, "tags"):
        refused = project.run("dump", "-o", "schema.sql")
    assert refused.code == 5, refused.text
    assert "pg_dump did not get its locks" in refused.err
    assert not (project.root / "schema.sql").exists()


def processes() -> Iterator[tuple[Path, bytes]]:
    """Yield every process that can be looked at with its arguments."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            yield folder, (folder / "cmdline").read_bytes()
        except OSError:
            continue


@pytest.mark.postgres
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="only Linux shows other processes so")
def test_while_pg_dump_runs_the_password_is_in_nobodys_arguments(postgres_project: Project, login: str) -> None:
    project = postgres_project
    project.rows(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {login}")
    project.set("dev", lock_timeout="60s")
    with locked(project, "users") as holder, project.start("dump") as dump:
        until(lambda: waiting_dumps(project), "pg_dump waits for the lock")
        seen = dict(processes())
        found = [folder for folder, arguments in seen.items() if b"--schema-only" in arguments]
        assert found, "pg_dump is among them"
        assert [arguments for arguments in seen.values() if CANARY.encode() in arguments] == []
        assert [folder for folder in found if f"PGPASSWORD={CANARY}".encode() in (folder / "environ").read_bytes()]
        holder.execute("ROLLBACK")
        outcome = ended(dump)
    assert outcome.code == 0, outcome.text
    assert CANARY not in outcome.text


@pytest.mark.postgres
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_pg_dump_too(postgres_project: Project, number: signal.Signals, code: int) -> None:
    project = postgres_project
    project.write_tables(USERS)
    project.ok("migrate")
    project.set("dev", lock_timeout="60s")
    with locked(project, "users"), project.start("dump", "-o", "schema.sql") as dump:
        until(lambda: waiting_dumps(project), "pg_dump waits for the lock")
        dump.send_signal(number)
        outcome = ended(dump)
        assert outcome.code == code, outcome.text
        until(lambda: not waiting_dumps(project), "its session has ended")
    assert [path.name for path in project.root.iterdir() if "schema" in path.name] == []


@pytest.mark.postgres
def test_secrets_without_a_variable_go_into_a_file_that_is_gone_afterwards(
    postgres_project: Project, tmp_path: Path
) -> None:
    project = postgres_project
    project.write_tables(USERS)
    project.ok("migrate")
    (tmp_path / "tmp").mkdir()
    project.variables["TARGET_URL"] += ("&" if "?" in project.url else "?") + f"sslpassword={CANARY}"
    told = project.ok("dump", env={"TMPDIR": str(tmp_path / "tmp")})
    assert f"-- applied: {USERS}" in told.out
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.postgres
def test_a_service_is_honoured(postgres_project: Project, tmp_path: Path) -> None:
    project = postgres_project
    project.write_tables(USERS)
    project.ok("migrate")
    assert isinstance(project.target, PostgresTarget)
    conninfo = project.target.database.conninfo
    lines = "".join(f"{key}={value}\n" for key, value in conninfo.items())
    (tmp_path / "services").write_text(f"[app]\n{lines}")
    project.variables["TARGET_URL"] = "postgresql://?service=app"
    told = project.ok("dump", env={"PGSERVICEFILE": str(tmp_path / "services")})
    assert f"-- applied: {USERS}" in told.out


@pytest.mark.postgres
def test_several_hosts_are_honoured(postgres_project: Project) -> None:
    project = postgres_project
    project.write_tables(USERS)
    project.ok("migrate")
    assert isinstance(project.target, PostgresTarget)
    conninfo = dict(project.target.database.conninfo)
    port = conninfo.get("port", "5432")
    conninfo |= {"host": f"/nowhere,{conninfo['host']}", "port": f"{port},{port}"}
    rest = "&".join(f"{key}={value}" for key, value in conninfo.items() if key != "dbname")
    project.variables["TARGET_URL"] = f"postgresql:///{conninfo['dbname']}?{rest}"
    assert f"-- applied: {USERS}" in schema(project)


@pytest.mark.postgres
@pytest.mark.parametrize("bouncer", [PoolMode.TRANSACTION], indirect=True)
def test_through_a_pooler_it_is_refused(postgres_project: Project, bouncer: Bouncer) -> None:
    project = postgres_project
    project.write_tables(USERS)
    project.ok("migrate")
    assert isinstance(project.target, PostgresTarget)
    project.variables["TARGET_URL"] = bouncer.through(project.target.database).url
    refused = project.refuses(2, "dump")
    assert "pg_dump cannot be used through a connection pooler" in refused.err
    assert "migrate_url" in refused.err


@pytest.mark.postgres
def test_a_server_that_is_not_there_is_a_reason_to_try_later(postgres_project: Project) -> None:
    postgres_project.variables["TARGET_URL"] = "postgresql://me@127.0.0.1:1/app"
    assert "cannot connect" in postgres_project.refuses(5, "dump").err


# ---------------------------------------------------------------------------------------- other versions


@pytest.fixture(scope="module")
def fifteen() -> Iterator[Mapping[str, str]]:
    """Yield how to connect to a server of Debian's PostgreSQL 15."""
    if not (DEBIANS / "postgres").exists():
        pytest.skip("Debian's PostgreSQL 15 is not installed here")
    with own_server_in_its_folder(programs=DEBIANS) as server:
        yield server.conninfo


@pytest.mark.postgres
def test_an_older_server_is_dumped_by_its_own_pg_dump_and_a_newer_one_writes_the_same(
    fifteen: Mapping[str, str], tmp_path: Path
) -> None:
    newer = embedded_binaries() or without_postgres("the embedded extra is not installed", {})
    with new_database(fifteen) as database:
        project = project_on(database, tmp_path / "project")
        shutil.copytree(REPOSITORY / "migrations", project.migrations, dirs_exist_ok=True)
        project.write("20240101_000000_rich", RICH)
        project.ok("migrate")
        text = schema(project)
        project.set("dev", pg_bin=str(newer))
        assert schema(project) == text
        project.set("uat", pg_bin=str(tmp_path))
        assert "the server is PostgreSQL 15" in project.refuses(2, "dump", "--env", "uat").err


# ------------------------------------------------------------------------------------------------ SQLite


def test_a_sqlite_schema_loads_and_is_the_same_whatever_was_made_first(sqlite_project: Project, tmp_path: Path) -> None:
    project = sqlite_project
    project.write(
        USERS,
        "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT);\n"
        "CREATE VIEW a_view AS SELECT name FROM users;\nCREATE INDEX by_name ON users (name);\n"
        "CREATE TRIGGER t AFTER INSERT ON users BEGIN SELECT 1; SELECT 2; END;\n"
        "CREATE VIRTUAL TABLE words USING fts5(word);\n",
    )
    project.write(TASKS, "CREATE TABLE a_table (id integer);\n")
    project.ok("migrate")
    text = schema(project)
    assert "words_data" not in text, "a virtual table makes its shadows itself"
    assert "sqlite_sequence" not in text
    other = Project(tmp_path / "other", SqliteTarget(tmp_path / "other.db"), f"sqlite:///{tmp_path}/other.db")
    other.write(NOTES, text)
    other.ok("migrate")
    assert without_names(schema(other)) == without_names(text)
    assert text.index("a_table") < text.index("users") < text.index("by_name") < text.index("a_view")


def test_a_sqlite_file_that_is_not_there_has_no_schema_and_is_not_made(sqlite_project: Project) -> None:
    assert schema(sqlite_project) == "-- No migration is applied.\n"
    assert not sqlite_project.target.path.exists()  # type: ignore[attr-defined]


def test_a_sqlite_file_without_write_permission_can_be_dumped(sqlite_project: Project) -> None:
    sqlite_project.write_tables(TAGS)
    sqlite_project.ok("migrate")
    sqlite_project.target.path.chmod(stat.S_IRUSR)  # type: ignore[attr-defined]
    assert "CREATE TABLE tags" in schema(sqlite_project)


@pytest.mark.postgres
def test_an_embedded_database_is_dumped_whether_its_server_runs_or_not(tmp_path: Path) -> None:
    need_embedded()
    folder, environment = tmp_path / "project", plain_environment()
    (folder / "migrations").mkdir(parents=True)
    (folder / "migrations" / f"{USERS}.sql").write_text("CREATE TABLE users (id integer);\n")
    environment["MIGRATION_MANAGER_SCHEMA_FILE"] = "schema.sql"
    try:
        for typed in (["migrate"], ["dump", "--check"], ["dump", "-o", "other.sql"]):
            outcome = call(typed, folder=folder, environment=environment)
            assert outcome.code == 0, outcome.text
        assert (folder / "schema.sql").read_text() == (folder / "other.sql").read_text()
        assert f"-- applied: {USERS}" in (folder / "schema.sql").read_text()
    finally:
        embedded.destroy(folder / ".migration_manager" / "dev", force=True)


def test_an_embedded_database_that_is_not_made_is_not_made(tmp_path: Path) -> None:
    outcome = call(["dump"], folder=tmp_path, environment=plain_environment())
    assert outcome.code == 0, outcome.text
    assert outcome.out == "-- No migration is applied.\n"
    assert list(tmp_path.iterdir()) == []
