"""The canary: a password that is unlike anything else is brought through every failure there is, and is never shown.

Every situation runs the command line with URLs that carry the canary, and then looks for it, in every form a text may
carry it in, in what was shown, in the history's tables and in the files that were written.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import struct
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, quote_plus

import psycopg
import pytest
from psycopg import sql

from tests.fixtures.cli import FIVE, TASKS, USERS, Outcome, Project
from tests.fixtures.pretended import message, pretended_server, read_startup
from tests.fixtures.targets import PostgresTarget

pytestmark = pytest.mark.postgres

CORE = "c4naryBird"  # no situation says this word but through the password
PLAIN = f"{CORE}7Kq2"
ODD = f"{CORE} @:/?#&=%+'\"\\ü 9"  # everything that is written otherwise in a URL, in SQL, in JSON or in a repr


def forms(password: str) -> set[str]:
    """Return how a text may carry a password."""
    return {
        password,
        quote(password, safe=""),
        quote(password, safe="").lower(),
        quote_plus(password),
        password.replace("'", "''"),
        repr(password)[1:-1],
        json.dumps(password)[1:-1],
        CORE,  # and no piece of it, wherever it was cut
    }


class Leaks:
    """Runs commands and remembers everything they showed."""

    def __init__(self, project: Project, password: str, login: dict[str, str]) -> None:
        self.project = project
        self.login = login
        self.password = password
        self.shown: list[tuple[str, str]] = []

    def run(self, *typed: str, env: dict[str, str] | None = None, answer: str | None = None) -> Outcome:
        outcome = self.project.run(*typed, env=env, answer=answer)
        self.shown.append((" ".join(typed), outcome.text))
        return outcome

    def url(self, **parts: str) -> str:
        """Return the project's URL with the canary as its password; the server of a test may not even ask for it."""
        assert isinstance(self.project.target, PostgresTarget)
        conninfo = {**self.project.target.database.conninfo, "password": self.password, **self.login, **parts}
        return type(self.project.target.database)(conninfo).url

    def check(self) -> None:
        """Fail when the canary is anywhere it must not be."""
        texts = [*self.shown, *self._kept()]
        found = [(what, where) for what, text in texts if (where := self._place(text)) is not None]
        assert not found, "\n".join(f"{what}\n    ...{where}..." for what, where in found)

    def _place(self, text: str) -> str | None:
        for form in forms(self.password):
            place = text.casefold().find(form.casefold())
            if place >= 0:
                return " ".join(text[max(0, place - 60) : place + len(form) + 30].split())
        return None

    def _kept(self) -> Iterator[tuple[str, str]]:
        if self.project.has_table("schema_migrations_log"):
            for table in ("schema_migrations", "schema_migrations_log"):
                yield table, str(self.project.rows(f"SELECT * FROM {table}"))


@pytest.fixture
def login(postgres_project: Project, password: str) -> Iterator[dict[str, str]]:
    """Yield what a URL needs for a login with the canary: nothing more where the server asks for no password."""
    assert isinstance(postgres_project.target, PostgresTarget)
    database = postgres_project.target.database
    if "password" not in database.conninfo:
        yield {}
        return
    role = sql.Identifier(name := f"canary_{secrets.token_hex(4)}")
    with database.connect() as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN SUPERUSER PASSWORD {}").format(role, sql.Literal(password)))
    yield {"user": name}
    with database.connect() as connection:
        connection.execute(sql.SQL("DROP OWNED BY {}").format(role))
        connection.execute(sql.SQL("DROP ROLE {}").format(role))


@pytest.fixture(params=[PLAIN, ODD], ids=["plain", "odd"])
def password(request: pytest.FixtureRequest) -> str:
    """Return the canary."""
    canary: str = request.param
    return canary


@pytest.fixture
def leaks(password: str, login: dict[str, str], postgres_project: Project) -> Leaks:
    """Return a project whose URL has the canary for a password, with two of five applied."""
    found = Leaks(postgres_project, password, login)
    postgres_project.write_tables()
    postgres_project.variables["TARGET_URL"] = found.url()
    assert found.run("migrate", "--steps", "2").code == 0, found.shown
    return found


# -------------------------------------------------------------------------------- pretended servers


def refuses_and_repeats_the_password(client: socket.socket) -> None:
    """Ask for the password in clear text, and quote it in the refusal: no server does, and any proxy may."""
    read_startup(client)
    client.sendall(message(b"R", struct.pack("!I", 3)))
    client.recv(1)
    (length,) = struct.unpack("!I", client.recv(4))
    password = client.recv(length - 4).rstrip(b"\0")
    words = b"password authentication failed: got " + password + b" for postgresql://me:" + password + b"@host/db"
    client.sendall(message(b"E", b"SFATAL\0VFATAL\0C28P01\0M" + words + b"\0\0"))


def speaks_nonsense(client: socket.socket) -> None:
    client.recv(4096)
    client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


# --------------------------------------------------------------------------------------- situations

Situation = Callable[[Leaks], None]


def wrong_password(leaks: Leaks) -> None:
    with pretended_server(refuses_and_repeats_the_password) as port:
        url = f"postgresql://me:{quote(leaks.password, safe='')}@127.0.0.1:{port}/app"
        for typed in (["migrate"], ["status", "--json"], ["db", "create"], ["migrate", "--verbose"]):
            assert leaks.run(*typed, "--url", url).code == 5
        assert leaks.run("db", "wait", "--timeout", "10ms", "--url", url).code == 5


def no_server_at_all(leaks: Leaks) -> None:
    with pretended_server(speaks_nonsense) as port:
        assert leaks.run("status", "--url", leaks.url(host="127.0.0.1", port=str(port))).code == 5


def refused_port(leaks: Leaks) -> None:
    for typed in (["status"], ["status", "--json"], ["migrate", "-v"], ["db", "drop", "--yes"]):
        assert leaks.run(*typed, "--url", leaks.url(host="127.0.0.1", port="1")).code == 5


def unknown_host(leaks: Leaks) -> None:
    assert leaks.run("status", "--url", leaks.url(host="nowhere.invalid", port="5432")).code == 5


def missing_database(leaks: Leaks) -> None:
    assert leaks.run("status", "--url", leaks.url(dbname="test_never_made")).code == 5


def password_in_the_query(leaks: Leaks) -> None:
    assert isinstance(leaks.project.target, PostgresTarget)
    conninfo = {**leaks.project.target.database.conninfo, **leaks.login}
    conninfo.pop("password", None)
    plain = type(leaks.project.target.database)(conninfo).url
    url = f"{plain}{'&' if '?' in plain else '?'}password={quote(leaks.password, safe='')}"
    for typed in (["status"], ["config"], ["config", "--json"], ["db", "url"], ["status", "--json"]):
        assert leaks.run(*typed, "--url", url).code == 0, leaks.shown
    assert leaks.run("status", "--url", url + "&nonsense=1").code == 2
    assert leaks.run("status", "--url", url.replace("password=", "pasword=")).code == 2
    assert leaks.run("status", "--url", url + "&sslpassword=" + quote(leaks.password, safe="")).code in (0, 5)


def bad_scheme(leaks: Leaks) -> None:
    encoded = quote(leaks.password, safe="")
    for scheme in ("mysql", "postgress", "postgresql+psycopg2", "jdbc:postgresql", "", "PLAIN", "sqlite"):
        for url in (f"{scheme}://me:{encoded}@host/app", f"{scheme}:me:{encoded}@host/app"):
            assert leaks.run("status", "--url", url).code in (2, 5)
    assert leaks.run("status", "--url", leaks.password).code == 2
    assert leaks.run("status", "--url", f"host=localhost password={leaks.password}").code == 2
    assert leaks.run("status", "--url", f"host=localhost password={leaks.password}", "--json").code == 2


def bad_escape(leaks: Leaks) -> None:
    for wrong in ("%", "%zz", "%ff", "%00", "@", "/", "?", "#", ":", " ", "[", "\\", '"', "&", "="):
        for place in (f"{leaks.password}{wrong}", f"{wrong}{leaks.password}", f"{CORE}{wrong}{CORE}"):
            outcome = leaks.run("config", "--url", f"postgresql://me:{place}@127.0.0.1:1/app")
            assert outcome.code in (0, 2)
    leaks.run("status", "--json", "--url", f"postgresql://me:{place}@127.0.0.1:1/app")


def password_where_another_part_belongs(leaks: Leaks) -> None:
    for url in (
        f"postgresql://me:{CORE}@x:{CORE}@127.0.0.1/app",
        f"postgresql://127.0.0.1:{CORE}/app",
        f"postgresql://me:1/{CORE}@127.0.0.1:1/app",
        f"postgresql://me:1?{CORE}@127.0.0.1:1/app",
        f"postgresql://me:pa#{CORE}@127.0.0.1:1/app",
        f"postgresql://me:1@{CORE}@127.0.0.1:1/app",
    ):
        for typed in (["status"], ["status", "--json"], ["config"]):
            assert leaks.run(*typed, "--url", url).code in (2, 5)


def sql_that_quotes_it(leaks: Leaks) -> None:
    literal = sql.Literal(leaks.password).as_string()
    role = f"nobody_{secrets.token_hex(6)}"
    for statement in (
        f"ALTER ROLE {role} PASSWORD {literal};",
        f"CREATE ROLE {role} LOGIN PASSWORD {literal} VALID UNTIL 'never said';",
        f"SELECT 1/0 AS x, {literal};",
        f"SELECT {literal}::integer;",
        f"SELECT dblink('host=x password={leaks.password.replace(chr(39), chr(39) * 2)}');",
        f"DO $$ BEGIN RAISE EXCEPTION 'got %', {literal}; END $$;",
        f"SELECT {literal} FROM nowhere;",
    ):
        leaks.project.write(TASKS.replace("tasks", "more").replace("2025", "2026"), statement + "\n", statement + "\n")
        for typed in (["migrate"], ["migrate", "--json"], ["migrate", "--verbose"], ["history"], ["history", "--json"]):
            leaks.run(*typed)
        leaks.run("status", "--verbose")


def unique_violation(leaks: Leaks) -> None:
    literal = sql.Literal(leaks.password).as_string()
    name = "20260101_100000_more"
    leaks.project.write(name, f"CREATE TABLE s (v text PRIMARY KEY);\nINSERT INTO s VALUES ({literal}), ({literal});\n")
    assert leaks.run("migrate").code == 1
    assert leaks.run("migrate", "--json").code == 1
    leaks.run("history")


def notices_that_quote_it(leaks: Leaks) -> None:
    literal = sql.Literal(leaks.password).as_string()
    leaks.project.write(
        "20260101_100000_more",
        f"DO $$ BEGIN RAISE NOTICE 'n %', {literal}; RAISE WARNING 'w %', {literal}; END $$;\n",
        f"DO $$ BEGIN RAISE WARNING 'w %', {literal}; END $$;\n",
    )
    assert leaks.run("migrate").code == 0
    assert leaks.run("rollback").code == 0


def statements_shown(leaks: Leaks) -> None:
    literal = sql.Literal(leaks.password).as_string()
    name = "20260101_100000_more"
    leaks.project.write(name, f"SELECT {literal};\n", f"SELECT {literal};\n")
    for typed in (["migrate", "--dry-run"], ["migrate", "--dry-run", "--json"], ["migrate"], ["rollback", "--dry-run"],
                  ["status"], ["rollback", "--dry-run", "--json"]):  # fmt: skip
        assert leaks.run(*typed).code == 0
    leaks.project.file(name).write_text(f"SELECT {literal}, 2;\n")
    leaks.project.rollback_file(name).write_text(f"SELECT {literal}, 2;\n")
    for typed in (["verify"], ["verify", "--json"], ["rollback"]):
        leaks.run(*typed)


def reasons(leaks: Leaks) -> None:
    leaks.run("forget", "--name", USERS, "--reason", f"the password was {leaks.password}")
    leaks.run("history")
    leaks.run("history", "--json")


def wrong_configuration(leaks: Leaks) -> None:
    url = json.dumps(f"postgresql://me:{quote(leaks.password, safe='')}@127.0.0.1:1/app", ensure_ascii=False)
    for text in (
        f"[environments.dev]\nurl = {url}\nlock_timeot = 3\n",
        f"[environments.dev]\nurls = {url}\n",
        f"url = {url}\n",
        f"[environments.dev]\nurl = [{url}]\n",
        f"[environments.dev]\nurl = {url}\nmigrate_url = {url}\nrole = {url}\nout_of_order = {url}\n",
        f"[environments.dev]\nurl = {url}\nprotected = {url}\nlock_wait = {url}\nhistory_table = {url}\n",
        f"[environments.dev]\nurl = {url}\n[environments.dev]\n",
        f"[environments.dev]\nurl = {url} {url}\n",
        f"[environments.dev]\nurl = {url[:-1]}\n",
        f"default_environment = {url}\n",
        f"migrations = {url}\n",
        f'[environments.dev]\nurl = "${{TARGET_URL}}"\n[environments.uat]\nurl = {url}\n',
    ):
        leaks.project.configure(text)
        for typed in (["config", "--json"], ["status", "-a"], ["migrate"]):
            leaks.run(*typed)


def variables_and_dotenv(leaks: Leaks) -> None:
    for name in ("MIGRATION_MANAGER_URL", "DATABASE_URL", "MIGRATION_MANAGER_ENV", "MIGRATION_MANAGER_LOCK_TIMEOUT",
                 "MIGRATION_MANAGER_UURL", "MIGRATION_MANAGER_CONFIG", "MIGRATION_MANAGER_PROTECTED"):  # fmt: skip
        for value in (leaks.url(), leaks.url(port="1", host="127.0.0.1"), leaks.url() + "%"):
            for typed in (["config"], ["status", "--json"]):
                leaks.run(*typed, env={name: value})
    (leaks.project.root / ".env").write_text(f"MIGRATION_MANAGER_URL={leaks.url()}\nbad line {leaks.url()}\n='{CORE}\n")
    for typed in (["config"], ["status"], ["config", "--json"]):
        leaks.run(*typed)


def everything_shown(leaks: Leaks) -> None:
    for typed in (["config"], ["config", "--json"], ["config", "--verbose"], ["db", "url"], ["db", "url", "--json"],
                  ["status", "--verbose"], ["status", "--all-environments"], ["status", "-a", "--json"], ["history"],
                  ["history", "--json"], ["migrate", "--verbose"], ["migrate"], ["verify"], ["rollback", "-v"],
                  ["db", "wait"], ["db", "create"], ["db", "start"], ["db", "stop"], ["plan", "-o", "-"],
                  ["plan", "--json"], ["dump"], ["dump", "--json"], ["dump", "--check", "-o", "no.sql"]):  # fmt: skip
        leaks.run(*typed)


def a_schema_that_has_it(leaks: Leaks) -> None:
    literal = sql.Literal(leaks.password).as_string()
    leaks.project.set("dev", schema_file="schema.sql")
    leaks.project.write("20260101_100000_more", f"CREATE VIEW v AS SELECT {literal}::text AS word;\n")
    outcome = leaks.run("migrate")
    assert (outcome.code, "THE SCHEMA FILE IS OLD" in outcome.err) == (0, True)
    for typed in (["dump"], ["dump", "--json"], ["dump", "--check"], ["dump", "--check", "--json"]):
        assert leaks.run(*typed).code == 6
    assert not (leaks.project.root / "schema.sql").exists()


def another_pg_dump_that_quotes_its_surroundings(leaks: Leaks) -> None:
    folder = leaks.project.root / "programs"
    folder.mkdir()
    script = '#!/bin/sh\n[ "$1" = --version ] && echo "pg_dump (PostgreSQL) 99.1" && exit\nenv >&2\nexit 1\n'
    (folder / "pg_dump").write_text(script)
    (folder / "pg_dump").chmod(0o755)
    leaks.project.set("dev", pg_bin="programs", schema_file="schema.sql")
    for typed in (["dump"], ["dump", "--json"], ["dump", "--verbose"], ["migrate", "--json"], ["rollback"]):
        outcome = leaks.run(*typed)
        assert "PGPASSWORD=" in outcome.text, "it was quoted"


def guards(leaks: Leaks) -> None:
    for typed in (["migrate", "--env", "production"], ["status", "--env", "uat"], ["db", "drop"],
                  ["migrate", "--env", "production", "--yes", "--confirm", leaks.url()]):  # fmt: skip
        leaks.run(*typed)
    leaks.project.variables["TARGET_URL"] = leaks.url()
    leaks.run("db", "drop", answer="no\n")
    leaks.project.rows(
        "DROP TABLE schema_migrations_log, schema_migrations, schema_migrations_text,"
        " schema_migrations_progress CASCADE"
    )
    leaks.project.rows("DROP TABLE users, tasks")
    leaks.run("migrate", "--env", "production", answer="no\n")


def wrong_names(leaks: Leaks) -> None:
    url = leaks.url()
    for typed in (["rollback", "--name", url], ["migrate", "--to", url], ["status", "--env", url],
                  ["history", "-n", url], ["rollback", "--run", url], ["migrate", "--dir", url],
                  ["status", "--config", url], ["migrate", "--lock-wait", url], ["migrate", url], [url],
                  ["migrate", "--steps", url], ["migrate", "--out-of-order", url], ["db", "wait", "--timeout", url],
                  ["migrate", f"--u={url}"], ["history", "--limit", url]):  # fmt: skip
        assert leaks.run(*typed).code != 0
        assert leaks.run(*typed, "--url", url, "--json").code != 0


def wrong_role_and_schema(leaks: Leaks) -> None:
    leaks.project.set("dev", role="nobody_has_this_role")
    leaks.run("migrate")
    leaks.run("migrate", "--json", "--verbose")


def lock_held(leaks: Leaks) -> None:
    leaks.run("status")
    with leaks.project.target.open() as other, other.exclusive(1, lambda _holder, _seconds: None):
        assert leaks.run("migrate", "--lock-wait", "50ms").code == 5


def process_listing(leaks: Leaks) -> None:
    """Look at what the server tells everybody about our session, from inside a migration."""
    leaks.project.write(
        "20260101_100000_more",
        "CREATE TABLE seen AS SELECT application_name AS a FROM pg_stat_activity WHERE pid = pg_backend_pid();\n",
    )
    assert leaks.run("migrate").code == 0
    leaks.shown.append(("pg_stat_activity", str(leaks.project.rows("SELECT a FROM seen"))))


SITUATIONS: list[Situation] = [
    wrong_password, no_server_at_all, refused_port, unknown_host, missing_database, password_in_the_query, bad_scheme,
    bad_escape, password_where_another_part_belongs, sql_that_quotes_it, unique_violation, notices_that_quote_it,
    statements_shown, reasons, wrong_configuration, variables_and_dotenv, everything_shown, guards, wrong_names,
    a_schema_that_has_it, another_pg_dump_that_quotes_its_surroundings,
    wrong_role_and_schema, lock_held, process_listing,
]  # fmt: skip


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
def test_no_password_is_shown_or_logged(leaks: Leaks, situation: Situation) -> None:
    situation(leaks)
    leaks.check()


def test_there_are_at_least_twenty_situations() -> None:
    assert len(SITUATIONS) >= 20


# ------------------------------------------------------------------------------------ our own defects

PLANTED = [
    ("migration_manager.runner.migrate", ["migrate"]),
    ("migration_manager.runner.status", ["status"]),
    ("migration_manager.engines.open_engine", ["rollback"]),
    ("migration_manager.engines.postgres.open_postgres", ["history"]),
    ("migration_manager.files.read_folder", ["verify"]),
    ("migration_manager.render.text.show_status", ["status", "--verbose"]),
    ("migration_manager.render.documents.as_json", ["config", "--json"]),
    ("psycopg.connect", ["migrate"]),
    ("migration_manager.config.examine_process", ["config"]),
    ("migration_manager.config.resolution.parse_url", ["status"]),
]


@pytest.mark.parametrize(("where", "typed"), PLANTED, ids=[row[0] for row in PLANTED])
def test_a_traceback_of_a_defect_of_ours_has_no_password(
    leaks: Leaks, monkeypatch: pytest.MonkeyPatch, where: str, typed: list[str]
) -> None:
    url = leaks.url()

    def defect(*arguments: Any, **more: Any) -> NoReturn:
        message = f"unexpected {arguments!r} {more!r} while connecting to {url!r}"
        raise RuntimeError(message) from KeyError(url)

    with monkeypatch.context() as planted:
        planted.setattr(where, defect)
        outcome = leaks.run(*typed, "--url", url)
    assert outcome.code == 1, outcome.text.replace(leaks.password, "***")
    assert "This is a defect of migration_manager" in outcome.err
    leaks.check()


def test_values_that_hold_a_url_do_not_show_it(leaks: Leaks) -> None:
    from migration_manager.config import load_settings

    settings = load_settings({"url": leaks.url()}, environ={"TARGET_URL": leaks.url()}, cwd=leaks.project.root)
    leaks.shown += [("repr", repr(settings)), ("str", str(settings)), ("format", f"{settings.url} {settings.secrets}")]
    leaks.shown.append(("traceback", "".join(traceback.format_exception(ValueError(settings)))))
    leaks.check()


# ------------------------------------------------------------------------------ children and files


def test_no_child_process_sees_the_password_in_its_arguments(leaks: Leaks) -> None:
    leaks.project.write("20260101_100000_more", "SELECT pg_sleep(1);\n")
    with leaks.project.start("migrate") as runner:
        assert runner.stdout is not None
        runner.stdout.readline()
        for entry in Path("/proc").glob("[0-9]*/cmdline") if os.path.isdir("/proc") else ():  # noqa: PTH112
            with suppress(OSError):
                leaks.shown.append((str(entry), entry.read_bytes().decode("utf-8", "replace")))
    leaks.check()


def test_no_file_that_is_written_has_the_password(leaks: Leaks) -> None:
    leaks.run("init")
    leaks.run("create", "one")
    leaks.run("migrate")
    for path in leaks.project.root.rglob("*"):
        if path.is_file():
            leaks.shown.append((str(path), path.read_bytes().decode("utf-8", "replace")))
    leaks.check()


def test_the_canary_would_be_found(leaks: Leaks) -> None:
    for form in sorted(forms(leaks.password)):
        leaks.shown = [("planted", f"before {form} after")]
        with pytest.raises(AssertionError):
            leaks.check()


def test_a_real_role_with_that_password_works_and_is_not_shown(leaks: Leaks) -> None:
    role = f"canary_{secrets.token_hex(6)}"
    name, literal = sql.Identifier(role).as_string(), sql.Literal(leaks.password).as_string()
    leaks.project.rows(f"CREATE ROLE {name} LOGIN SUPERUSER PASSWORD {literal}")
    try:
        with psycopg.connect(leaks.url(user=role)):
            pass
        assert leaks.run("migrate", "--url", leaks.url(user=role)).code == 0
        assert leaks.project.applied() == list(FIVE)
        leaks.check()
    finally:
        leaks.project.rows(f"DROP OWNED BY {name}")
        leaks.project.rows(f"DROP ROLE {name}")
