"""The command `rehearse` on a full database: what it says, and that nothing there is changed or held."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from migration_manager.engines.base import SessionSettings
from migration_manager.engines.postgres import open_postgres
from migration_manager.engines.postgres_scratch import PostgresScratch
from migration_manager.errors import ConfigError, SqlFailed
from migration_manager.files import read_folder
from migration_manager.model import Dialect, Run, Source
from migration_manager.prepare import Preparer
from migration_manager.proof import Verdict as Proven
from migration_manager.rehearsal import Rehearsal, Size, Verdict
from migration_manager.rehearsing import rehearse
from migration_manager.scratch import Bench
from migration_manager.script import parse
from tests.fixtures.cli import CONFIG, Project
from tests.fixtures.files import by_hand
from tests.fixtures.postgres import Database, need_embedded, new_database
from tests.fixtures.proofs import schema_of
from tests.fixtures.servers import OwnServer
from tests.fixtures.targets import PostgresTarget

pytestmark = pytest.mark.postgres

TASKS = "001_create_tasks"
ROWS = 12_000


@pytest.fixture(scope="module")
def template(postgres_server: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the name of a database with one migration applied and rows in its tables, to be copied."""
    need_embedded()  # whose pg_dump reads the schema
    with new_database(postgres_server) as database:
        project = project_on(database, tmp_path_factory.mktemp("template") / "project", postgres_server)
        project.ok("migrate")
        with connected(project) as connection:
            connection.execute(f"INSERT INTO tasks SELECT g, g, 'title', g FROM generate_series(1, {ROWS}) g")
            connection.execute("INSERT INTO people SELECT id FROM tasks")
            connection.execute("ANALYZE")
        yield database.name


@pytest.fixture
def full(template: str, postgres_server: dict[str, str], tmp_path: Path) -> Iterator[Project]:
    """Yield a project on a copy of that database; scratch is the tests' server."""
    database = Database({**postgres_server, "dbname": f"{template}_{secrets.token_hex(4)}"})
    with Database(postgres_server).connect() as connection:
        connection.execute(f"CREATE DATABASE {database.name} TEMPLATE {template}".encode())
        try:
            yield project_on(database, tmp_path / "project", postgres_server)
        finally:
            connection.execute(f"DROP DATABASE {database.name} WITH (FORCE)".encode())


def project_on(database: Database, root: Path, server: dict[str, str]) -> Project:
    project = Project(root, PostgresTarget(database), database.url)
    project.configure(f'scratch_url = "{Database(server).url}"\n{CONFIG}')
    project.write(
        TASKS,
        "CREATE TABLE people (id int PRIMARY KEY);\n"
        "CREATE TABLE tasks (id int PRIMARY KEY, owner int, title text, n int);\n"
        "CREATE TABLE empty (id int);\n",
        "DROP TABLE empty; DROP TABLE tasks; DROP TABLE people;\n",
    )
    return project


@pytest.fixture
def owner(full: Project) -> Iterator[str]:
    """Yield a role of the environment's server."""
    name = f"owner_{secrets.token_hex(6)}"
    with connected(full) as connection:
        connection.execute(f"CREATE ROLE {name}".encode())
        connection.execute(f"GRANT USAGE, CREATE ON SCHEMA public TO {name}".encode())
        yield name
        connection.execute(f"DROP OWNED BY {name} CASCADE".encode())
        connection.execute(f"DROP ROLE {name}".encode())


@contextmanager
def connected(project: Project) -> Iterator[psycopg.Connection]:
    assert isinstance(project.target, PostgresTarget)
    with project.target.database.connect() as connection:
        yield connection


def rehearsed(project: Project, *options: str, code: int = 4) -> Any:
    """Rehearse, which must change nothing, and return the document."""
    return project.refuses(code, "rehearse", "--json", *options).json


def rules(migration: dict[str, Any]) -> list[tuple[str, int | None, str | None]]:
    return [(finding["rule"], finding["line"], finding["subject"]) for finding in migration["findings"]]


# ------------------------------------------------------------------------------------- what it says


def test_a_rewrite_is_told_with_its_size_its_lock_and_a_safer_way(full: Project) -> None:
    full.write("002_wider", "ALTER TABLE tasks\n  ALTER n TYPE bigint;\n", "ALTER TABLE tasks ALTER n TYPE int;\n")
    outcome = full.refuses(4, "rehearse")
    assert "002_wider" in outcome.out
    assert "blocks reads and writes, rewrites " in outcome.out
    assert "(12 k rows)" in outcome.out
    assert "ACCESS EXCLUSIVE on public.tasks" in outcome.out
    assert "safer: add a new column of that type" in outcome.out
    assert "rollback proven: restores the schema" in outcome.out
    assert max(map(len, outcome.out.splitlines()[1:])) <= 80, "the first names the server"
    (migration,) = rehearsed(full)["migrations"]
    assert migration["rewrites"]["rows"] == ROWS
    assert migration["rewrites"]["bytes"] > 512 * 1024
    assert rules(migration) == [("rewrites", 1, "table public.tasks")]
    (statement,) = migration["statements"]
    assert statement["locks"][0]["mode"] == "ACCESS EXCLUSIVE"
    assert "SELECT" in statement["locks"][0]["blocks"]
    assert statement["rewrites"] == ["public.tasks"]


def test_what_harms_nobody_ends_with_0(full: Project) -> None:
    full.write("002_more", "ALTER TABLE tasks ADD COLUMN note text;\n", "ALTER TABLE tasks DROP COLUMN note;\n")
    outcome = full.refuses(0, "rehearse")
    assert "blocks reads and writes for a moment" in outcome.out
    assert "1 pending migration: 1 blocks reads and writes for a moment." in outcome.out


def test_nothing_pending_is_nothing_to_rehearse(full: Project) -> None:
    assert full.refuses(0, "rehearse").out == "nothing to rehearse: nothing is pending.\n"
    assert full.refuses(0, "rehearse", "--on-target").out == "nothing to rehearse: nothing is pending.\n"
    assert rehearsed(full, code=0)["migrations"] == []


def test_a_table_of_the_environment_without_rows_may_be_rewritten(full: Project) -> None:
    full.write("002_wider", "ALTER TABLE empty ALTER id TYPE bigint;\n", "ALTER TABLE empty ALTER id TYPE int;\n")
    (migration,) = rehearsed(full, code=0)["migrations"]
    assert migration["verdict"] == "blocks reads and writes for a moment"
    assert migration["statements"][0]["rewrites"] == ["public.empty"]


def test_a_table_that_an_earlier_pending_file_makes_is_nobodys_yet(full: Project) -> None:
    full.write("002_make", "CREATE TABLE made AS SELECT 1 AS n;\n", "DROP TABLE made;\n")
    full.write("003_fill", "ALTER TABLE made ALTER n TYPE bigint;\n", "ALTER TABLE made ALTER n TYPE int;\n")
    full.write("004_name", "ALTER TABLE tasks RENAME TO jobs;\n", "ALTER TABLE jobs RENAME TO tasks;\n")
    full.write("005_type", "ALTER TABLE jobs ALTER n TYPE bigint;\n", "ALTER TABLE jobs ALTER n TYPE int;\n")
    made, filled, named, typed = rehearsed(full)["migrations"]
    assert (made["verdict"], filled["verdict"]) == ("safe", "safe")
    assert named["findings"] == []
    assert rules(typed) == [("rewrites", 1, "table public.jobs")]
    assert typed["rewrites"]["rows"] == ROWS, "it is the same table under another name"


def test_a_lock_that_is_held_through_something_long_is_told_where_it_is_taken(full: Project) -> None:
    full.write(
        "002_both",
        "ALTER TABLE people ADD COLUMN name text;\nCREATE INDEX tasks_n ON tasks (n);\n",
        "DROP INDEX tasks_n;\nALTER TABLE people DROP COLUMN name;\n",
    )
    (migration,) = rehearsed(full)["migrations"]
    assert rules(migration) == [
        ("blocks-reads", 1, "table public.people"),
        ("blocks-writes", 2, "table public.tasks"),
    ]
    assert "a file of its own" in migration["findings"][0]["advice"]
    assert "CREATE INDEX CONCURRENTLY" in migration["findings"][1]["advice"]


def test_a_backfill_after_an_alter_keeps_readers_out_to_its_end(full: Project) -> None:
    full.write(
        "002_fill",
        "ALTER TABLE tasks ADD COLUMN done bool;\nUPDATE tasks SET done = false;\n",
        "ALTER TABLE tasks DROP COLUMN done;\n",
    )
    (migration,) = rehearsed(full)["migrations"]
    assert rules(migration) == [("blocks-reads", 2, "table public.tasks")]
    assert "under ACCESS EXCLUSIVE since line 1" in migration["statements"][1]["effects"]


def test_no_transaction_files_run_alone_and_the_next_file_finds_what_they_did(full: Project) -> None:
    full.write(
        "002_index",
        "-- migrate: no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY tasks_n ON tasks (n);\nVACUUM FULL people;\n",
        "-- migrate: no-transaction\nDROP INDEX CONCURRENTLY tasks_n;\n",
    )
    full.write(
        "003_unique",
        "ALTER TABLE tasks ADD CONSTRAINT tasks_n UNIQUE USING INDEX tasks_n;\n",
        "ALTER TABLE tasks DROP CONSTRAINT tasks_n;\nCREATE UNIQUE INDEX tasks_n ON tasks (n);\n",
    )
    index, unique = rehearsed(full)["migrations"]
    assert [statement["verdict"] for statement in index["statements"]] == ["safe", "blocks reads and writes"]
    assert index["statements"][0]["new_indexes"] == ["public.tasks_n"]
    assert rules(index) == [("rewrites", 3, "table public.people")]
    assert index["rollback"]["verdict"] == "restored"
    assert unique["verdict"] == "blocks reads and writes for a moment"


def test_an_index_that_is_left_invalid_is_found(full: Project) -> None:
    full.write(
        "002_parts",
        "CREATE TABLE parts (n int) PARTITION BY RANGE (n);\n"
        "CREATE TABLE part PARTITION OF parts FOR VALUES FROM (1) TO (2);\n",
        "DROP TABLE parts;\n",
    )
    full.ok("migrate")
    full.write("003_index", "CREATE INDEX parts_n ON ONLY parts (n);\n", "DROP INDEX parts_n;\n")
    (migration,) = rehearsed(full)["migrations"]
    assert rules(migration) == [("invalid-index", None, "index public.parts_n")]
    assert migration["verdict"] == "leaves an invalid index"


def test_a_header_accepts_a_finding_and_says_why(full: Project) -> None:
    full.write(
        "002_wider",
        "-- migrate: accept rewrites because we have a window on Sunday\nALTER TABLE tasks ALTER n TYPE bigint;\n",
        "ALTER TABLE tasks ALTER n TYPE int;\n",
    )
    outcome = full.refuses(0, "rehearse")
    assert "accepted: we have a window on Sunday" in outcome.out
    full.write(
        "002_wider",
        "-- migrate: accept blocks-writes because it was so\nALTER TABLE tasks ADD COLUMN z int;\n",
        "ALTER TABLE tasks DROP COLUMN z;\n",
    )
    assert "`accept blocks-writes` accepts nothing: take it out" in full.refuses(0, "rehearse").out


def test_a_rollback_that_does_not_restore_is_a_finding(full: Project) -> None:
    full.write("002_more", "ALTER TABLE tasks ADD COLUMN note text;\n", "SELECT 1;\n")
    (migration,) = rehearsed(full)["migrations"]
    assert migration["findings"] == []
    assert migration["rollback"]["is_proven"] is False
    assert migration["rollback"]["verdict"] == "differs"


def test_a_failing_statement_is_named_with_its_place_and_nothing_later_is_tried(full: Project) -> None:
    full.write("002_good", "ALTER TABLE tasks ADD COLUMN note text;\n", "ALTER TABLE tasks DROP COLUMN note;\n")
    full.write("003_bad", "SELECT 1;\nUPDATE tasks\n   SET prioritty = 1;\n")
    full.write("004_later", "SELECT 1;\n")
    outcome = full.refuses(1, "rehearse")
    assert "003_bad.sql:3:8" in outcome.out
    assert 'column "prioritty" of relation "tasks" does not exist' in " ".join(outcome.out.split())
    document = rehearsed(full, code=1)
    assert [each["verdict"] for each in document["migrations"]] == ["blocks reads and writes for a moment", "fails"]
    assert document["not_tried"] == ["004_later"]


def test_a_constraint_that_is_deferred_fails_at_the_end_of_its_file(full: Project) -> None:
    full.write(
        "002_late",
        "ALTER TABLE tasks ADD CONSTRAINT o FOREIGN KEY (owner) REFERENCES people DEFERRABLE INITIALLY DEFERRED;\n"
        "INSERT INTO tasks VALUES (1, 7);\n",
    )
    (migration,) = rehearsed(full, code=1)["migrations"]
    assert migration["verdict"] == "fails"
    assert "violates foreign key constraint" in migration["findings"][-1]["message"]


def test_one_by_name_steps_and_to(full: Project) -> None:
    for name in ("002_a", "003_b", "004_c"):
        full.write(name, f"CREATE TABLE t{name} (n int);\n", f"DROP TABLE t{name};\n")
    assert [each["name"] for each in rehearsed(full, "--name", "003_b", code=0)["migrations"]] == ["003_b"]
    assert [each["name"] for each in rehearsed(full, "--steps", "1", code=0)["migrations"]] == ["002_a"]
    assert [each["name"] for each in rehearsed(full, "--to", "b", code=0)["migrations"]] == ["002_a", "003_b"]


def test_markdown_is_for_a_pull_request(full: Project) -> None:
    full.write("002_wider", "ALTER TABLE tasks ALTER n TYPE bigint; -- <b>\n", "ALTER TABLE tasks ALTER n TYPE int;\n")
    outcome = full.refuses(4, "rehearse", "--markdown")
    assert outcome.out.startswith("### ❌ 1 of 1 pending migration to look at\n")
    assert "| 1 | ALTER TABLE tasks ALTER n TYPE bigint |" in outcome.out
    assert "**rewrites** line 1" in outcome.out


@pytest.mark.parametrize(
    "options",
    [("--json", "--markdown"), ("--name", "x", "--to", "y"), ("--yes",), ("--confirm", "x")],
    ids=" ".join,
)
def test_options_that_do_not_go_together_are_refused(sqlite_project: Project, options: tuple[str, ...]) -> None:
    assert "`rehearse` is for PostgreSQL" not in sqlite_project.refuses(2, "rehearse", *options).err


def test_a_database_that_is_not_there_yet_has_no_schema_and_is_not_made(full: Project) -> None:
    full.write("002_more", "ALTER TABLE tasks ADD COLUMN note text;\n", "ALTER TABLE tasks DROP COLUMN note;\n")
    document = rehearsed(full, "--url", "embedded:not_there", code=0)
    assert [each["verdict"] for each in document["migrations"]] == ["safe", "safe"]
    assert not (full.root / "not_there").exists()


def test_sqlite_is_refused_in_one_sentence(sqlite_project: Project) -> None:
    sqlite_project.write_tables()
    assert "`rehearse` is for PostgreSQL" in sqlite_project.refuses(2, "rehearse").err


# ------------------------------------------------------------------- that nothing is held or changed


def test_nothing_is_locked_but_what_pg_dump_locks(full: Project) -> None:
    """EXCLUSIVE conflicts with every lock but the one of SELECT, so that a stronger one would never be obtained."""
    full.write("002_wider", "ALTER TABLE tasks ALTER n TYPE bigint;\n", "ALTER TABLE tasks ALTER n TYPE int;\n")
    with connected(full) as other:
        other.execute("BEGIN")
        other.execute("LOCK TABLE tasks, people, empty, schema_migrations, schema_migrations_log IN EXCLUSIVE MODE")
        assert full.run("rehearse").code == 4
        other.execute("ROLLBACK")


def test_sizes_wait_for_nobody(full: Project) -> None:
    assert isinstance(full.target, PostgresTarget)
    with connected(full) as other:
        other.execute("CREATE TABLE fresh AS SELECT generate_series(1, 1000) AS n")
        with open_postgres(full.target.database.conninfo, SessionSettings()) as engine:
            unlocked = engine.rehearser().sizes()
            other.execute("BEGIN")
            other.execute("LOCK TABLE tasks, fresh IN ACCESS EXCLUSIVE MODE")
            began = time.monotonic()
            locked = engine.rehearser().sizes()
            assert time.monotonic() - began < 5
            other.execute("ROLLBACK")
    assert unlocked["public.tasks"] == locked["public.tasks"]
    assert unlocked["public.tasks"].rows == ROWS
    assert unlocked["public.empty"] == Size(0, 0)
    assert (unlocked["public.fresh"].bytes or 0) > 8192, "it was never analysed, and its file is asked"
    assert locked["public.fresh"].bytes is None
    assert not locked["public.fresh"].is_empty


def test_no_scratch_database_stays(full: Project, own_server: OwnServer) -> None:
    full.configure(f'scratch_url = "{Database(own_server.conninfo).url}"\n{CONFIG}')
    full.write("002_wider", "ALTER TABLE tasks ALTER n TYPE bigint;\n", "SELECT 1;\n")
    full.write("003_index", "-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY ON tasks (n);\n", "SELECT 1;\n")
    full.write("004_bad", "SELECT 1 / 0;\n")
    assert full.run("rehearse").code == 1
    with own_server.connect() as connection:
        left = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'migration%'").fetchall()
    assert left == []


# ---------------------------------------------------------------------------------------- on target


def test_on_target_leaves_nothing(full: Project) -> None:
    full.write("002_wider", "ALTER TABLE tasks ALTER n TYPE bigint;\n", "ALTER TABLE tasks ALTER n TYPE int;\n")
    full.write("003_made", "CREATE TABLE made AS SELECT * FROM tasks;\n", "DROP TABLE made;\n")
    outcome = full.refuses(4, "rehearse", "--on-target")
    assert "rewrites" in outcome.out
    assert "sequences do not go back" in outcome.out
    document = rehearsed(full, "--on-target")
    assert document["on_target"] is True
    wider, made = document["migrations"]
    assert rules(wider) == [("rewrites", 1, "table public.tasks")]
    assert wider["statements"][0]["took_ms"] > 0
    assert made["findings"] == []
    assert (wider["rollback"], made["rollback"]) == (None, None)


def test_on_target_gives_up_soon_while_another_session_holds_the_table(full: Project) -> None:
    full.write("002_wider", "SET lock_timeout = '1h';\nALTER TABLE tasks ALTER n TYPE bigint;\n", "SELECT 1;\n")
    with connected(full) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM tasks LIMIT 1")
        began = time.monotonic()
        outcome = full.run("rehearse", "--on-target")
        assert outcome.code == 5, outcome.text
        assert time.monotonic() - began < 10
        assert "002_wider.sql:2" in outcome.err
        assert other.execute("SELECT count(*) FROM tasks").fetchone() == (ROWS,)
        other.execute("ROLLBACK")


def test_on_target_wants_confirmation_where_it_is_protected(full: Project) -> None:
    full.write("002_more", "ALTER TABLE tasks ADD COLUMN note text;\n", "ALTER TABLE tasks DROP COLUMN note;\n")
    with connected(full) as connection:  # the fixture's `dev` stamped it
        connection.execute("COMMENT ON TABLE empty IS 'unchanged'")
    full.set("dev", protected=True)
    refused = full.refuses(6, "rehearse", "--on-target")
    assert "--yes --confirm" in refused.err
    full.refuses(6, "rehearse", "--on-target", "--yes", "--confirm", "wrong")
    full.refuses(0, "rehearse", "--on-target", "--yes", "--confirm", full.database)
    full.refuses(0, "rehearse")  # which touches nothing there, and does not ask


def test_on_target_stops_before_what_cannot_be_rolled_back(full: Project) -> None:
    full.write("002_more", "ALTER TABLE tasks ADD COLUMN note text;\n", "ALTER TABLE tasks DROP COLUMN note;\n")
    full.write("003_index", "-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY ON tasks (n);\n", "SELECT 1;\n")
    full.write("004_later", "SELECT 1;\n")
    document = rehearsed(full, "--on-target", code=0)
    assert [each["name"] for each in document["migrations"]] == ["002_more"]
    assert document["not_tried"] == ["003_index", "004_later"]
    assert any("003_index cannot be rolled back" in note for note in document["notes"])


def test_on_target_a_later_file_runs_under_the_locks_of_an_earlier_one(full: Project) -> None:
    full.write("002_more", "ALTER TABLE tasks ADD COLUMN note text;\n")
    full.write("003_full", "ALTER TABLE tasks ALTER n SET NOT NULL;\nALTER TABLE tasks ALTER title SET NOT NULL;\n")
    document = rehearsed(full, "--on-target")
    assert [rules(each) for each in document["migrations"]] == [
        [],
        [("blocks-reads", 1, "table public.tasks"), ("blocks-reads", 2, "table public.tasks")],
    ]
    assert any("what an earlier one locked stays locked" in note for note in document["notes"])


@pytest.mark.parametrize("hidden", ["SELECT 1; COMMIT; SELECT 2", "SELECT 1; COMMIT AND CHAIN", "COMMIT"])
def test_on_target_nothing_can_commit_whatever_a_lexer_thought(full: Project, hidden: str) -> None:
    assert isinstance(full.target, PostgresTarget)
    with open_postgres(full.target.database.conninfo, SessionSettings()) as engine:
        with engine.rehearser().undone(None, lock_timeout=1000) as watching, pytest.raises(SqlFailed):
            watching.run(by_hand("CREATE TABLE made (n int)", hidden), lambda _: None)
        engine.catalog()
    assert not full.has_table("made")


def test_a_failure_on_target_has_its_place_and_is_rolled_back(full: Project) -> None:
    full.write("002_bad", "ALTER TABLE tasks ADD COLUMN z int;\nALTER TABLE tasks ADD CHECK (n < 10);\n")
    (migration,) = rehearsed(full, "--on-target", code=1)["migrations"]
    assert migration["verdict"] == "fails"
    assert (migration["findings"][-1]["rule"], migration["findings"][-1]["line"]) == ("fails", 2)


# --------------------------------------------------------------------------------------- the schema


def test_owners_grants_and_odd_names_are_copied(full: Project, owner: str) -> None:
    role = f'"{owner}"'
    with connected(full) as connection:
        connection.execute(f"ALTER TABLE tasks OWNER TO {role}; GRANT SELECT ON people TO {role}")
        connection.execute('CREATE SCHEMA "odd one"; CREATE TABLE "odd one"."a.b" (n int)')
        connection.execute('INSERT INTO "odd one"."a.b" VALUES (1); ANALYZE')
        connection.execute("CREATE MATERIALIZED VIEW m AS SELECT id FROM people; CREATE UNIQUE INDEX ON m (id)")
    full.write(
        "002_odd",
        'ALTER TABLE "odd one"."a.b" ALTER n TYPE bigint;\nREFRESH MATERIALIZED VIEW CONCURRENTLY m;\n',
        'ALTER TABLE "odd one"."a.b" ALTER n TYPE int;\n',
    )
    (migration,) = rehearsed(full)["migrations"]
    subject = 'table "odd one"."a.b"'
    assert rules(migration) == [("rewrites", 1, subject), ("blocks-reads", 1, subject)], (
        "REFRESH reads people meanwhile"
    )
    assert migration["rewrites"]["rows"] == 1
    assert migration["statements"][1]["verdict"] == "safe"


def test_a_server_of_the_same_major_version_is_no_matter_wherever_it_is(full: Project) -> None:
    full.write("002_more", "ALTER TABLE tasks ADD COLUMN note text;\n", "ALTER TABLE tasks DROP COLUMN note;\n")
    assert full.run("rehearse", "--json").json["notes"] == []


class Hears:
    """See `rehearsing.Observer`."""

    def rehearsing(self, name: str, number: int, total: int) -> None:
        """Say nothing."""

    def rehearsed(self, rehearsal: Rehearsal) -> None:
        """Say nothing."""


@contextmanager
def server_as_it_was(server: OwnServer) -> Iterator[None]:
    """Take back what makes a scratch server fast and loses commits in a crash: other tests crash this one."""
    try:
        yield
    finally:
        with server.connect() as connection:
            for name in ("fsync", "full_page_writes", "synchronous_commit"):
                connection.execute(f"ALTER SYSTEM RESET {name}".encode())
            connection.execute("SELECT pg_reload_conf()")


def test_a_scratch_server_of_our_own_gets_the_roles_that_the_schema_names(
    full: Project, owner: str, own_server: OwnServer
) -> None:
    with connected(full) as connection:
        connection.execute(f'ALTER TABLE tasks OWNER TO "{owner}"')
    full.write("002_more", "ALTER TABLE tasks ADD COLUMN note text;\n", "ALTER TABLE tasks DROP COLUMN note;\n")
    assert isinstance(full.target, PostgresTarget)
    schema = Source.held("the schema of dev", schema_of(full.target.database, owners=True), "")
    pending = read_folder(full.migrations, shown_from=full.root).migrations[1:]
    heard: list[str] = []
    with (
        server_as_it_was(own_server),
        PostgresScratch(own_server.conninfo, shown="a server of our own,", owned=True) as scratch,
    ):
        preparer = Preparer(Dialect.POSTGRESQL, shown_from=full.root)
        script = parse(schema, Dialect.POSTGRESQL, rollback=False)
        bench = Bench(
            scratch, SessionSettings(), preparer, Run("run-1", "dev"), heard.append, script, plants_rows=False
        )
        (rehearsal,) = rehearse(bench, Hears(), pending, {"002_more"}, {})
        assert owner not in scratch.roles(), "it goes with the rehearsal"
    assert heard == [f"the role {owner} was made in the scratch server: the schema of dev names it"]
    assert rehearsal.verdict is Verdict.READS_FOR_A_MOMENT
    assert rehearsal.proof is not None
    assert rehearsal.proof.verdict is Proven.RESTORED


def test_a_schema_that_the_scratch_server_cannot_hold_is_told_with_its_place(
    full: Project, postgres_server: dict[str, str]
) -> None:
    schema = Source.held("the schema of dev", "SELECT 1;\nCREATE TABLE t (n no_such_type);\n", "")
    script = parse(schema, Dialect.POSTGRESQL, rollback=False)
    pending = read_folder(full.migrations, shown_from=full.root).migrations
    with PostgresScratch(postgres_server, shown="the server of the tests", owned=False) as scratch:
        preparer = Preparer(Dialect.POSTGRESQL, shown_from=full.root)
        bench = Bench(scratch, SessionSettings(), preparer, Run("run-1", "dev"), print, script)
        with pytest.raises(ConfigError, match=r"2 \| CREATE TABLE t"):
            rehearse(bench, Hears(), pending, {TASKS}, {})
