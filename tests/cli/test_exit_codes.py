"""The exit codes, as one table: a situation, what is typed, the code (DESIGN 5)."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from migration_manager.cli.app import EPILOG
from migration_manager.errors import Exit
from tests.fixtures.cli import FILES, FIVE, NOTES, TAGS, USERS, Project

Arrange = Callable[[Project], None]

LATE = "20250101_110000_create_late"


def nothing(_: Project) -> None:
    """Leave the project empty."""


def pending(project: Project) -> None:
    project.write_tables()


def applied(project: Project) -> None:
    project.write_tables()
    project.ok("migrate")


def partly_applied(project: Project) -> None:
    project.write_tables()
    project.ok("migrate", "--to", TAGS)


def broken(project: Project) -> None:
    project.write_tables()
    project.break_file(FILES)


def changed(project: Project) -> None:
    applied(project)
    project.file(USERS).write_text("CREATE TABLE users (id integer PRIMARY KEY, name text);\n")


def commented(project: Project) -> None:
    applied(project)
    project.file(USERS).write_text("-- who uses it\n" + project.file(USERS).read_text())


def missing(project: Project) -> None:
    applied(project)
    project.delete(TAGS)


def no_rollback_script(project: Project) -> None:
    project.write(USERS, "CREATE TABLE users (id integer PRIMARY KEY);\n")
    project.ok("migrate")


def broken_rollback(project: Project) -> None:
    project.write(USERS, "CREATE TABLE users (id integer PRIMARY KEY);\n", "DROP TABLE nowhere;\n")
    project.ok("migrate")


def irreversible(project: Project) -> None:
    project.write(USERS, "-- migrate: irreversible because data is gone\nCREATE TABLE users (id integer);\n")
    project.ok("migrate")


def late(project: Project) -> None:
    applied(project)
    project.write_tables(LATE)


def bad_name(project: Project) -> None:
    (project.migrations / "no_number.sql").write_text("SELECT 1;\n")


def commit_inside(project: Project) -> None:
    project.write(USERS, "CREATE TABLE users (id integer);\nCOMMIT;\nCREATE TABLE more (id integer);\n")


def unknown_directive(project: Project) -> None:
    project.write(USERS, "-- migrate: no-trasaction\nCREATE TABLE users (id integer);\n")


def unknown_key(project: Project) -> None:
    project.set("dev", lock_timeot="3s")


def two_alike(project: Project) -> None:
    project.write_tables("20250101_100000_create_users", "20250101_110000_create_users")


def foreign(project: Project) -> None:
    pending(project)
    project.target.rows("CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY)")


def stamped_uat(project: Project) -> None:
    project.write_tables()
    project.ok("migrate", "--env", "uat", "--to", USERS)


def protected_dev(project: Project) -> None:
    project.set("dev", protected=True)
    pending(project)


def strict(project: Project) -> None:
    project.set("dev", require_rollback=True)
    project.write(USERS, "CREATE TABLE users (id integer);\n")


OK, FAILED, USAGE, PENDING, DISAGREE, LATER, REFUSED = (Exit(code) for code in range(7))

TABLE: list[tuple[str, Arrange, list[str], Exit]] = [
    # 0: done, or nothing to do
    ("an empty folder has nothing to apply", nothing, ["migrate"], OK),
    ("pending migrations are applied", pending, ["migrate"], OK),
    ("everything is applied already", applied, ["migrate"], OK),
    ("status without --check is a question, not a judgement", pending, ["status"], OK),
    ("status --check when all is applied", applied, ["status", "--check"], OK),
    ("a dry run", pending, ["migrate", "--dry-run"], OK),
    ("rollback of the newest", applied, ["rollback"], OK),
    ("rollback with nothing applied", nothing, ["rollback"], OK),
    ("rollback --all with nothing applied", nothing, ["rollback", "--all"], OK),
    ("files agree with what was applied", applied, ["verify"], OK),
    ("verify when a comment changed", commented, ["verify"], OK),
    ("the log of a database where nothing was done", nothing, ["history"], OK),
    ("a changed file is accepted", changed, ["repair", "--all", "--reason", "reviewed"], OK),
    ("repair with nothing to accept", applied, ["repair", "--all", "--reason", "reviewed"], OK),
    ("everything is recorded as applied", pending, ["baseline", "--all"], OK),
    ("one is forgotten", applied, ["forget", "--name", USERS], OK),
    ("a late migration only warns", late, ["migrate"], OK),
    ("a late migration is wanted", late, ["migrate", "--out-of-order", "allow"], OK),
    ("a missing file is accepted", missing, ["migrate", "--allow-missing"], OK),
    ("a protected environment is confirmed on the command line", protected_dev, ["CONFIRMED", "migrate"], OK),
    ("the identity is accepted", stamped_uat, ["migrate", "--accept-identity"], OK),
    # 1: a migration failed
    ("a file fails", broken, ["migrate"], FAILED),
    ("a file fails in one transaction with the others", broken, ["migrate", "--atomic"], FAILED),
    ("a rollback script fails", broken_rollback, ["rollback"], FAILED),
    # 2: usage, configuration or file error
    ("no step at all", pending, ["migrate", "--steps", "0"], USAGE),
    ("rollback of no step at all", applied, ["rollback", "--steps", "0"], USAGE),
    ("an unknown name", pending, ["migrate", "--to", "nonsense"], USAGE),
    ("rollback of an unknown name", applied, ["rollback", "--name", "nonsense"], USAGE),
    ("an unknown run", applied, ["rollback", "--run", "01XYZ"], USAGE),
    ("two selections", applied, ["rollback", "--all", "--steps", "1"], USAGE),
    ("baseline without a selection", pending, ["baseline"], USAGE),
    ("baseline with two selections", pending, ["baseline", "--all", "--to", USERS], USAGE),
    ("repair without a selection", changed, ["repair", "--reason", "reviewed"], USAGE),
    ("repair without a reason", changed, ["repair", "--all"], USAGE),
    ("forget without a name", applied, ["forget"], USAGE),
    ("rollback without a rollback script", no_rollback_script, ["rollback", "--name", USERS], USAGE),
    # 3: migrations are pending
    ("status --check with everything pending", pending, ["status", "--check"], PENDING),
    ("status --check with some pending", partly_applied, ["status", "--check"], PENDING),
    ("status --check as JSON", pending, ["status", "--check", "--json"], PENDING),
    # 4: history and files disagree
    ("status --check with a changed file", changed, ["status", "--check"], DISAGREE),
    ("migrate with a changed file", changed, ["migrate"], DISAGREE),
    ("a dry run with a changed file", changed, ["migrate", "--dry-run"], DISAGREE),
    ("verify with a changed file", changed, ["verify"], DISAGREE),
    ("status --check with a missing file", missing, ["status", "--check"], DISAGREE),
    ("migrate with a missing file", missing, ["migrate"], DISAGREE),
    ("verify with a missing file", missing, ["verify"], DISAGREE),
    ("rollback of one that is not applied", partly_applied, ["rollback", "--name", NOTES], DISAGREE),
    ("forget of one that is not applied", partly_applied, ["forget", "--name", NOTES], DISAGREE),
    ("repair of one that is not applied", partly_applied, ["repair", "--name", NOTES, "--reason", "x"], DISAGREE),
    ("baseline of one that is applied", applied, ["baseline", "--name", USERS], DISAGREE),
    ("another tool's history", foreign, ["migrate"], DISAGREE),
    ("status over another tool's history", foreign, ["status"], DISAGREE),
    # 6: refused by a guard
    ("a protected environment and nobody to ask", protected_dev, ["migrate"], REFUSED),
    ("--yes alone does not confirm", protected_dev, ["migrate", "--yes"], REFUSED),
    ("--confirm alone does not confirm", protected_dev, ["migrate", "--confirm", "DATABASE"], REFUSED),
    ("another database's name", protected_dev, ["migrate", "--yes", "--confirm", "another"], REFUSED),
    ("an environment called production is protected", pending, ["migrate", "--env", "production"], REFUSED),
    ("drop on a protected environment", protected_dev, ["db", "drop", "--yes"], REFUSED),
    ("reset on a protected environment", protected_dev, ["db", "reset", "--yes"], REFUSED),
    ("drop with nobody to ask", nothing, ["db", "drop"], REFUSED),
    ("migrate on another environment's database", stamped_uat, ["migrate"], REFUSED),
    ("status of another environment's database", stamped_uat, ["status"], REFUSED),
    ("rollback on another environment's database", stamped_uat, ["rollback"], REFUSED),
    ("out of order where that is refused", late, ["migrate", "--out-of-order", "refuse"], REFUSED),
    ("no rollback script where one is required", strict, ["migrate"], REFUSED),
    ("rollback of an irreversible migration", irreversible, ["rollback"], REFUSED),
]


# What is decided before any database is asked; once is enough.
WITHOUT_DATABASE: list[tuple[str, Arrange, list[str], Exit]] = [
    ("help", nothing, ["--help"], OK),
    ("the version", nothing, ["--version"], OK),
    ("no command", nothing, [], USAGE),
    ("an unknown command", nothing, ["migrat"], USAGE),
    ("an unknown option", nothing, ["migrate", "--fast"], USAGE),
    ("a number that is none", nothing, ["migrate", "--steps", "few"], USAGE),
    ("an ambiguous name", two_alike, ["migrate", "--to", "create_users"], USAGE),
    ("create without a name", nothing, ["create"], USAGE),
    ("create with two names", nothing, ["create", "one", "--name", "two"], USAGE),
    ("create with a name that has no letter", nothing, ["create", "--name", "!!!"], USAGE),
    ("an unknown environment", nothing, ["status", "--env", "staging"], USAGE),
    ("an unknown key in the configuration", unknown_key, ["status"], USAGE),
    ("config with a problem", unknown_key, ["config"], USAGE),
    ("a scheme nobody knows", nothing, ["status", "--url", "oracle://host/db"], USAGE),
    ("a folder that is not there", nothing, ["migrate", "--dir", "elsewhere"], USAGE),
    ("a configuration file that is not there", nothing, ["status", "--config", "elsewhere.toml"], USAGE),
    ("a file whose name does not parse", bad_name, ["migrate"], USAGE),
    ("a COMMIT in the middle of a file", commit_inside, ["migrate"], USAGE),
    ("a misspelt directive", unknown_directive, ["migrate"], USAGE),
    ("a duration without a meaning", nothing, ["db", "wait", "--timeout", "soon"], USAGE),
    ("db start where nothing is embedded", nothing, ["db", "start"], USAGE),
]


@pytest.mark.parametrize(("arrange", "typed", "code"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_exit_code(project: Project, arrange: Arrange, typed: list[str], code: Exit) -> None:
    check_exit_code(project, arrange, typed, code)


@pytest.mark.parametrize(
    ("arrange", "typed", "code"), [row[1:] for row in WITHOUT_DATABASE], ids=[row[0] for row in WITHOUT_DATABASE]
)
def test_exit_code_before_any_database_is_asked(
    sqlite_project: Project, arrange: Arrange, typed: list[str], code: Exit
) -> None:
    check_exit_code(sqlite_project, arrange, typed, code)


def check_exit_code(project: Project, arrange: Arrange, typed: list[str], code: Exit) -> None:
    arrange(project)
    if typed[:1] == ["CONFIRMED"]:
        typed = [*typed[1:], "--yes", "--confirm", project.database]
    outcome = project.run(*(project.database if word == "DATABASE" else word for word in typed))
    assert outcome.code == code, outcome.text
    assert "Traceback" not in outcome.text
    if code not in (OK, PENDING) and typed and typed[0] not in ("verify", "status", "config"):
        assert outcome.err, "a failure says why"


# ------------------------------------------------------------------------------------- 5: try again later


@contextmanager
def closed_port() -> Iterator[int]:
    """Yield a port where nobody listens, and nobody else can while the block lasts."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize("typed", [["migrate"], ["status"], ["rollback"], ["history"], ["verify"], ["db", "create"]])
def test_a_server_that_does_not_answer_exits_5(sqlite_project: Project, typed: list[str]) -> None:
    with closed_port() as port:
        outcome = sqlite_project.run(*typed, "--url", f"postgresql://me@127.0.0.1:{port}/app")
    assert outcome.code == LATER, outcome.text
    assert "cannot connect" in outcome.err
    assert f"127.0.0.1:{port}" in outcome.err or f"port {port}" in outcome.err


@pytest.mark.postgres
def test_a_database_that_is_not_there_exits_5_and_says_how_to_make_it(postgres_project: Project) -> None:
    url = postgres_project.url.replace(postgres_project.database, "test_never_made")
    outcome = postgres_project.run("migrate", "--url", url)
    assert outcome.code == LATER
    assert "there is no database test_never_made" in outcome.err
    assert "db create" in outcome.err


def test_a_lock_that_is_not_obtained_exits_5_and_names_its_holder(project: Project) -> None:
    project.write_tables()
    project.ok("migrate", "--steps", "1")
    with project.target.open() as other, other.exclusive(1, lambda _holder, _seconds: None):
        before = project.applied()
        outcome = project.run("migrate", "--lock-wait", "200ms")
    assert outcome.code == LATER, outcome.text
    assert re.search(r"pid \d+", outcome.err), outcome.err
    assert "nothing was changed" in outcome.err
    assert project.applied() == before
    assert project.ok("migrate").code == OK


# --------------------------------------------------------------------------------------- 130: interrupted


@pytest.mark.parametrize("typed", [["status"], ["migrate"], ["verify"]])
def test_an_interrupt_exits_130(sqlite_project: Project, typed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    sqlite_project.write_tables()
    monkeypatch.setattr("migration_manager.files.read_folder", interrupted)
    outcome = sqlite_project.run(*typed)
    assert outcome.code == Exit.INTERRUPTED
    assert "interrupted" in outcome.err
    assert "Traceback" not in outcome.text


# ------------------------------------------------------------------------------------------ completeness


def test_the_table_has_every_exit_code() -> None:
    elsewhere = {Exit.TRY_LATER, Exit.INTERRUPTED, Exit.TERMINATED, Exit.HUNG_UP}  # below, and in tests/e2e
    assert {row[3] for row in TABLE + WITHOUT_DATABASE} | elsewhere == set(Exit)


def test_the_help_lists_every_exit_code(sqlite_project: Project) -> None:
    listed = {int(code) for code in re.findall(r"^\s{3,}(\d+)  \w", sqlite_project.ok("--help").out, re.MULTILINE)}
    assert listed == {int(code) for code in Exit}
    assert listed == {int(code) for code in re.findall(r"^ +(\d+)  ", EPILOG, re.MULTILINE)}


def test_the_situations_have_names_of_their_own() -> None:
    titles = [row[0] for row in TABLE + WITHOUT_DATABASE]
    assert len(set(titles)) == len(titles)
    assert set(FIVE) >= {USERS, TAGS, NOTES, FILES}
