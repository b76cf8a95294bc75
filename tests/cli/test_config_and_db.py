"""`config` and `db`: what is configured and where it comes from; the database itself."""

from __future__ import annotations

import secrets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import sql

from tests.fixtures.cli import FIVE, Project, call, plain_environment
from tests.fixtures.postgres import need_embedded
from tests.fixtures.targets import PostgresTarget

# -------------------------------------------------------------------------------------------- config


def settings(project: Project, *typed: str, env: dict[str, str] | None = None) -> dict[str, tuple[str, str]]:
    document = project.ok("config", "--json", *typed, env=env).json
    return {each["key"]: (each["value"], each["origin"]) for each in document["settings"]}


def test_config_shows_every_value_and_where_it_comes_from(sqlite_project: Project) -> None:
    sqlite_project.set("dev", lock_timeout="3s")
    (sqlite_project.root / ".env").write_text("MIGRATION_MANAGER_LOCK_WAIT=20s\n")
    found = settings(sqlite_project, "--dir", "elsewhere", env={"MIGRATION_MANAGER_STATEMENT_TIMEOUT": "1min"})
    assert found["lock_timeout"] == ("3s", "migration_manager.toml")
    assert found["lock_wait"] == ("20s", ".env: MIGRATION_MANAGER_LOCK_WAIT")
    assert found["statement_timeout"] == ("1min", "variable MIGRATION_MANAGER_STATEMENT_TIMEOUT")
    assert found["migrations"] == ("elsewhere", "flag --dir")
    assert found["history_table"] == ("schema_migrations", "default")
    assert found["url"][1] == "variable TARGET_URL"
    assert found["environment"][0] == "dev"
    shown = sqlite_project.ok("config").out
    for key, (_, origin) in settings(sqlite_project).items():
        assert key in shown
        assert origin in shown


def test_a_flag_wins_over_a_variable_that_over_dotenv_that_over_the_file(sqlite_project: Project) -> None:
    def environment(*typed: str, env: dict[str, str] | None = None) -> str:
        return settings(sqlite_project, *typed, env=env)["environment"][0]

    assert environment() == "dev"
    (sqlite_project.root / ".env").write_text("MIGRATION_MANAGER_ENV=uat\n")
    assert environment() == "uat"
    assert environment(env={"MIGRATION_MANAGER_ENV": "production"}) == "production"
    assert environment("--env", "dev", env={"MIGRATION_MANAGER_ENV": "production"}) == "dev"


def test_all_problems_are_told_together_with_the_nearest_name(sqlite_project: Project) -> None:
    sqlite_project.set("dev", lock_timeot="3s", out_of_order="maybe")
    sqlite_project.set("uat", protected="sure")
    outcome = sqlite_project.run("config", "--json")
    assert outcome.code == 2
    text = "\n".join(outcome.json["problems"])
    assert "did you mean lock_timeout?" in text
    for words in ("environments.dev.out_of_order", "environments.uat.protected", "must be true or false"):
        assert words in text
    status = sqlite_project.run("status")
    assert status.code == 2
    assert "the configuration has 3 problems" in status.err


def test_a_broken_configuration_is_told_with_its_line(sqlite_project: Project) -> None:
    sqlite_project.configure("migrations = \n")
    outcome = sqlite_project.run("status")
    assert outcome.code == 2
    assert "migration_manager.toml" in outcome.err
    assert "line 1" in outcome.err or ":1" in outcome.err


def test_a_variable_that_is_not_set_is_named(sqlite_project: Project) -> None:
    del sqlite_project.variables["TARGET_URL"]
    outcome = sqlite_project.run("migrate")
    assert outcome.code == 2
    assert "TARGET_URL is not set" in outcome.err


def test_the_configuration_is_found_from_a_folder_below(project: Project) -> None:
    project.write_tables()
    below = project.root / "src" / "deep"
    below.mkdir(parents=True)
    outcome = call(["migrate"], folder=below, environment=project.environment())
    assert outcome.code == 0, outcome.text
    assert project.applied() == list(FIVE)


def test_database_url_serves_without_any_configuration(project: Project) -> None:
    project.write_tables()
    (project.root / "migration_manager.toml").unlink()
    project.ok("migrate", env={"DATABASE_URL": project.url})
    assert project.applied() == list(FIVE)


def test_url_is_used_instead_of_the_configured_one(project: Project) -> None:
    project.write_tables()
    project.ok("migrate", "--url", project.url, env={"TARGET_URL": "postgresql://me@127.0.0.1:1/none"})
    assert project.applied() == list(FIVE)


def test_another_configuration_file_may_be_named(project: Project) -> None:
    project.write_tables()
    (project.root / "migration_manager.toml").rename(project.root / "other.toml")
    project.ok("migrate", "--config", "other.toml")
    project.ok("status", env={"MIGRATION_MANAGER_CONFIG": "other.toml"})


@pytest.mark.postgres
def test_migrate_url_is_where_this_tool_connects(postgres_project: Project) -> None:
    postgres_project.set("dev", migrate_url="${DIRECT_URL}")
    postgres_project.write_tables()
    postgres_project.variables |= {"DIRECT_URL": postgres_project.url, "TARGET_URL": "postgresql://me@127.0.0.1:1/none"}
    postgres_project.ok("migrate")
    assert postgres_project.applied() == list(FIVE)


# ------------------------------------------------------------------------------------------------ db


@pytest.fixture
def fresh(request: pytest.FixtureRequest, project: Project) -> Iterator[Project]:
    """Yield a project whose database is not there yet."""
    if not project.on_postgres:
        yield project
        return
    name = f"test_{secrets.token_hex(6)}"
    server = project.target
    database = request.getfixturevalue("database")
    project.variables["TARGET_URL"] = type(database)({**database.conninfo, "dbname": name}).url
    yield project
    server.rows(f"DROP DATABASE IF EXISTS {sql.Identifier(name).as_string()} WITH (FORCE)")


def test_create_makes_the_database_once(fresh: Project) -> None:
    if fresh.on_postgres:
        assert fresh.run("status").code == 5
    assert fresh.ok("db", "create", "--json").json == {"environment": "dev", "result": "created", "changed": True}
    assert fresh.ok("db", "create", "--json").json == {"environment": "dev", "result": "exists", "changed": False}
    assert "dev: exists" in fresh.ok("db", "create").out
    fresh.write_tables()
    fresh.ok("migrate")


def test_drop_takes_the_database_away_once(fresh: Project) -> None:
    fresh.ok("db", "create")
    assert fresh.ok("db", "drop", "--yes", "--json").json["changed"] is True
    assert fresh.ok("db", "drop", "--yes", "--json").json["changed"] is False


def test_reset_leaves_an_empty_database(fresh: Project) -> None:
    fresh.ok("db", "create")
    fresh.write_tables()
    fresh.ok("migrate")
    fresh.ok("db", "reset", "--yes")
    assert set(fresh.status().values()) == {"pending"}
    fresh.ok("migrate")


def test_drop_wants_the_name_typed_or_yes(project: Project) -> None:
    project.write_tables()
    project.ok("migrate")
    project.refuses(6, "db", "drop")
    project.refuses(6, "db", "reset")
    refused = project.run("db", "drop", answer="something else\n")
    assert refused.code == 6
    assert project.database in refused.err
    assert project.applied() == list(FIVE)


def test_drop_runs_when_the_name_is_typed(fresh: Project) -> None:
    fresh.ok("db", "create")
    name = fresh.database if not fresh.on_postgres else fresh.variables["TARGET_URL"].rpartition("/")[2].split("?")[0]
    outcome = fresh.run("db", "drop", answer=name + "\n")
    assert outcome.code == 0, outcome.text


@pytest.mark.parametrize("command", ["drop", "reset"])
def test_production_is_neither_dropped_nor_reset(project: Project, command: str) -> None:
    project.write_tables()
    project.ok("migrate", "--env", "production", "--yes", "--confirm", project.database)
    project.refuses(6, "db", command, "--env", "production", "--yes")
    outcome = project.run("db", command, "--env", "production", answer=project.database + "\n")
    assert outcome.code == 6
    assert project.applied() == list(FIVE)


@pytest.mark.parametrize("command", ["drop", "reset"])
def test_a_database_that_says_it_is_production_is_not_dropped_as_dev(project: Project, command: str) -> None:
    project.write_tables()
    project.ok("migrate", "--env", "production", "--yes", "--confirm", project.database)
    project.refuses(6, "db", command, "--yes")


def test_wait_is_over_when_the_server_answers(project: Project) -> None:
    assert "answers" in project.refuses(0, "db", "wait").out


def test_wait_counts_a_database_that_is_not_there_as_an_answer(fresh: Project) -> None:
    assert "answers" in fresh.ok("db", "wait", "--timeout", "1s").out


def test_wait_gives_up_in_time(sqlite_project: Project) -> None:
    began = time.monotonic()
    outcome = sqlite_project.run("db", "wait", "--timeout", "300ms", "--url", "postgresql://me@127.0.0.1:1/none")
    assert outcome.code == 5
    assert time.monotonic() - began < 5


def test_url_is_for_other_programs(project: Project) -> None:
    shown = project.ok("db", "url").out.strip()
    assert shown.count("\n") == 0
    assert project.database in shown
    assert project.ok("db", "url", "--quiet").out.strip() == shown, "what was asked for is no chatter"
    assert project.ok("db", "url", "--json").json == {"environment": "dev", "url": shown}


@pytest.mark.postgres
def test_url_leads_psql_there(postgres_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg

    assert isinstance(postgres_project.target, PostgresTarget)
    # The URL has no password; psql takes it from here, or from .pgpass.
    monkeypatch.setenv("PGPASSWORD", postgres_project.target.database.conninfo.get("password", ""))
    with psycopg.connect(postgres_project.ok("db", "url").out.strip()) as connection:
        assert connection.info.dbname == postgres_project.database


@pytest.mark.parametrize("command", ["start", "stop"])
def test_only_an_embedded_server_is_started_and_stopped(project: Project, command: str) -> None:
    assert "embedded" in project.refuses(2, "db", command).err


# ---------------------------------------------------------------------------------- db, embedded


@pytest.fixture
def embedded_folder(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder with nothing configured: dev is an embedded PostgreSQL, which is gone after the test."""
    from migration_manager import embedded

    need_embedded()
    (tmp_path / "migrations").mkdir()
    yield tmp_path
    embedded.destroy(tmp_path / ".migration_manager" / "dev", force=True)


@pytest.mark.postgres
@pytest.mark.slow
def test_the_embedded_server_is_kept_up_told_how_to_reach_and_stopped(embedded_folder: Path) -> None:
    def run(*typed: str) -> tuple[int, str]:
        outcome = call(typed, folder=embedded_folder, environment=plain_environment())
        return outcome.code, outcome.text

    assert run("db", "url")[0] == 5
    assert run("db", "stop") == (0, "dev: was not running\n")
    code, told = run("db", "start")
    assert code == 0, told
    psql = next(line.split("psql", 1)[1].strip() for line in told.splitlines() if line.startswith("  psql"))
    done = subprocess.run(
        ["sh", "-c", f"{psql} -XAtc 'SELECT 6*7'"],  # as a person pastes it
        capture_output=True,
        text=True,
        check=True,
        env=plain_environment(),
    )
    assert done.stdout.strip() == "42"
    code, shown = run("db", "url")
    assert code == 0
    assert shown.strip() in told
    (embedded_folder / "migrations" / f"{FIVE[0]}.sql").write_text("CREATE TABLE users (id integer);\n")
    code, told = run("migrate")
    assert code == 0, told
    assert run("db", "url")[1] == shown, "a run does not stop a server that is kept up"
    assert run("db", "stop") == (0, "dev: stopped\n")
    assert run("db", "url")[0] == 5
    code, told = run("status", "--check")
    assert (code, "1 applied" in told) == (0, True), "and status starts it again, finds all, and stops it"
    assert run("db", "url")[0] == 5


@pytest.mark.postgres
@pytest.mark.slow
def test_an_embedded_server_is_never_for_a_protected_environment(embedded_folder: Path) -> None:
    (embedded_folder / "migration_manager.toml").write_text('[environments.production]\nurl = "embedded:"\n')
    outcome = call(["migrate", "--env", "production"], folder=embedded_folder, environment=plain_environment())
    assert outcome.code in (2, 6)
    assert "embedded" in outcome.err
    assert sorted(path.name for path in embedded_folder.iterdir()) == ["migration_manager.toml", "migrations"]
