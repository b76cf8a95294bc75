"""A network that is slow, wrong, half gone or not to be trusted: it works, or says what is wrong and does nothing (C2).

What happens when a line breaks is in `test_lost_connections`.
"""

from __future__ import annotations

import shutil
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from tests.fixtures.bouncers import Bouncer, PoolMode
from tests.fixtures.cli import FIVE, TASKS, USERS, Outcome, Project, backends, ended, on_sqlite, until
from tests.fixtures.pretended import SSL_REQUEST, message, pretended_server, read_startup
from tests.fixtures.proxies import Pace, Proxy
from tests.fixtures.servers import OwnServer
from tests.fixtures.targets import PostgresTarget


def not_reached(outcome: Outcome, *words: str) -> None:
    """Say that a run found no server: exit 5, one sentence, and where to look."""
    assert outcome.code == 5, outcome.text
    assert outcome.err.startswith("error: cannot connect: ")
    for word in words:
        assert word in outcome.err
    assert "hint:" in outcome.err
    assert outcome.out == ""
    assert "Traceback" not in outcome.text


# ------------------------------------------------------------------------------------------ no server


@on_sqlite
def test_a_host_that_no_name_server_knows_is_named(project: Project) -> None:
    project.write_tables()
    not_reached(project.run("migrate", "--url", "postgresql://me@no-such-host.invalid/app"), "no-such-host.invalid")


def silence(until: threading.Event) -> Callable[[socket.socket], None]:
    """Return somebody who takes a call and says nothing."""

    def serve(_caller: socket.socket) -> None:
        until.wait(20)

    return serve


@on_sqlite
def test_a_server_that_takes_the_call_and_says_nothing_is_given_up(project: Project) -> None:
    project.write_tables()
    gone = threading.Event()
    with pretended_server(silence(gone)) as port:
        began = time.monotonic()
        outcome = project.run("migrate", "--url", f"postgresql://me@127.0.0.1:{port}/app?connect_timeout=2")
        took = time.monotonic() - began
        gone.set()
    not_reached(outcome, "timeout expired")
    assert took < 15


@on_sqlite
def test_somebody_who_speaks_another_language_is_no_server(project: Project) -> None:
    project.write_tables()
    with pretended_server(lambda caller: caller.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        not_reached(project.run("migrate", "--url", f"postgresql://me@127.0.0.1:{port}/app"))


@on_sqlite
def test_a_socket_path_that_is_too_long_is_said_to_be(project: Project) -> None:
    project.write_tables()
    folder = "/tmp/" + "x" * 110
    not_reached(project.run("migrate", "--url", f"postgresql://?host={folder}&dbname=app"), "too long")


@pytest.mark.postgres
def test_of_two_hosts_a_dead_one_and_a_silent_one_are_passed_over(postgres_project: Project) -> None:
    assert isinstance(postgres_project.target, PostgresTarget)
    conninfo = dict(postgres_project.target.database.conninfo)
    postgres_project.write_tables()
    gone = threading.Event()
    with pretended_server(silence(gone)) as silent, socket.create_server(("127.0.0.1", 0)) as dead:
        refused = dead.getsockname()[1]
        dead.close()
        conninfo["host"] = f"127.0.0.1,127.0.0.1,{conninfo['host']}"
        conninfo["port"] = f"{refused},{silent},{conninfo.get('port', '5432')}"
        conninfo["connect_timeout"] = "2"
        postgres_project.ok("migrate", "--url", "postgresql://?" + urlencode(conninfo, quote_via=quote))
        gone.set()
    assert postgres_project.applied() == list(FIVE)


def answers(product: str, number: int) -> Callable[[socket.socket], None]:
    """Return a server that is ready at once, and says this of itself when it is asked who it is."""
    values = [product.split()[1], str(number), "app", "me", "me", "f", product, "4711"]

    def rows(columns: list[str]) -> bytes:
        described = b"".join(b"c\0" + struct.pack("!IHIhih", 0, 0, 25, -1, -1, 0) for _ in columns)
        texts = b"".join(struct.pack("!I", len(text)) + text.encode() for text in columns)
        count = struct.pack("!H", len(columns))
        return message(b"T", count + described) + message(b"D", count + texts) + message(b"C", b"SELECT 1\0")

    def serve(caller: socket.socket) -> None:
        read_startup(caller)
        told = b"".join(message(b"S", text) for text in (b"client_encoding\0UTF8\0", b"server_version\0" + b"15.0\0"))
        caller.sendall(message(b"R", bytes(4)) + told + message(b"K", bytes(8)) + message(b"Z", b"I"))
        caller.recv(65536)
        begun, ended = message(b"C", b"BEGIN\0"), message(b"C", b"COMMIT\0") + message(b"Z", b"I")
        caller.sendall(begun + rows(values) + rows([""] * 10) + ended)
        caller.recv(65536)

    return serve


@pytest.mark.parametrize(
    ("product", "number", "words"),
    [
        ("CockroachDB CCL v23.1.11 (x86_64-pc-linux-gnu)", 130000, "this server is not PostgreSQL: CockroachDB CCL"),
        ("PostgreSQL 13.14 on x86_64-pc-linux-gnu", 130014, "PostgreSQL 13.14 is too old; 14 is the oldest"),
        ("PostgreSQL 8.0.2 on i686-pc-linux-gnu, Redshift 1.0.56", 80002, "too old"),
    ],
    ids=["CockroachDB", "13", "Redshift"],
)
@on_sqlite
def test_another_product_and_an_old_server_are_refused_by_name(
    project: Project, product: str, number: int, words: str
) -> None:
    project.write_tables()
    with pretended_server(answers(product, number)) as port:
        refused = project.run("migrate", "--url", f"postgresql://me@127.0.0.1:{port}/app")
    assert refused.code == 2, refused.text
    assert words in refused.err
    assert "Traceback" not in refused.err


# ------------------------------------------------------------------------------------------------ TLS


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
@on_sqlite
def test_a_server_without_encryption_never_hears_what_was_to_be_encrypted(
    project: Project, tmp_path: Path, mode: str
) -> None:
    project.write_tables()
    heard: list[bytes] = []

    def without_encryption(caller: socket.socket) -> None:
        heard.append(caller.recv(1024))
        caller.sendall(b"N")
        while more := caller.recv(1024):
            heard.append(more)

    root, _ = made_certificate(tmp_path)
    address = f"postgresql://me:s3cretpass@127.0.0.1:{{}}/app?sslmode={mode}&sslrootcert={quote(str(root), safe='')}"
    with pretended_server(without_encryption) as port:
        not_reached(project.run("migrate", "--url", address.format(port)), "SSL")
    assert heard
    assert set(heard) == {SSL_REQUEST}


def made_certificate(folder: Path) -> tuple[Path, Path]:
    """Return a certificate that its own key has signed, and the key."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl to make a certificate with")
    certificate, key = folder / "server.crt", folder / "server.key"
    command = [program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=elsewhere.invalid", "-days", "2"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


@pytest.mark.parametrize(("mode", "is_trusted"), [("verify-ca", False), ("verify-full", True)])
@on_sqlite
def test_a_certificate_that_proves_nothing_ends_the_call(
    project: Project, tmp_path: Path, mode: str, is_trusted: bool
) -> None:
    project.write_tables()
    (tmp_path / "other").mkdir()
    certificate, key = made_certificate(tmp_path)
    trusted = certificate if is_trusted else made_certificate(tmp_path / "other")[0]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    heard: list[bytes] = []

    def encrypted(caller: socket.socket) -> None:
        caller.recv(1024)
        caller.sendall(b"S")
        with context.wrap_socket(caller, server_side=True) as line:
            heard.append(line.recv(1024))

    address = f"postgresql://me:s3cretpass@127.0.0.1:{{}}/app?sslmode={mode}&sslrootcert={quote(str(trusted), safe='')}"
    with pretended_server(encrypted) as port:
        not_reached(project.run("migrate", "--url", address.format(port)))
    assert not any(heard), "no word of ours before the certificate is believed"


# ------------------------------------------------------------------------------------------- slow lines


@pytest.mark.postgres
@pytest.mark.parametrize("pace", [Pace(seconds=0.01), Pace(piece=1)], ids=["slow", "bytes"])
def test_a_slow_line_and_one_of_small_pieces_work(postgres_project: Project, proxy: Proxy, pace: Pace) -> None:
    project = postgres_project
    assert isinstance(project.target, PostgresTarget)
    proxy.pace = pace
    project.variables["TARGET_URL"] = proxy.through(project.target.database).url
    project.write_tables()
    project.write(TASKS, "CREATE TABLE tasks (id integer, v text);\nCOPY tasks FROM stdin;\n1\tä€😀\n2\t\\N\n\\.\n")
    project.ok("migrate")
    assert project.applied() == list(FIVE)
    assert project.rows("SELECT * FROM tasks ORDER BY id") == [(1, "ä€😀"), (2, None)]
    project.write(USERS + "_more", "CREATE TABLE more (id integer);\nSELECT 1 FROM nowhere;\n")
    failed = project.run("migrate", "--out-of-order", "allow")
    assert failed.code == 1
    assert f"{USERS}_more.sql:2:15 failed" in failed.err
    assert not project.has_table("more")


# ----------------------------------------------------------------------- a COMMIT that nobody confirms


@pytest.mark.postgres
@pytest.mark.e2e
def test_a_commit_that_waits_for_a_standby_that_is_not_there_can_be_interrupted_and_is_told(
    own_server: OwnServer, own_project: Project
) -> None:
    project = own_project
    project.write_tables(USERS)
    project.ok("migrate")
    # All else that a session writes would wait as well.
    project.rows(f"ALTER DATABASE {project.database} SET synchronous_commit = local")
    project.write(TASKS, "SET synchronous_commit = on;\nCREATE TABLE tasks (id integer);\n")
    with own_server.connect() as connection:
        connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        connection.execute("SELECT pg_reload_conf()")
        try:
            with project.start("migrate") as runner:
                until(lambda: backends(project, "wait_event = 'SyncRep'"), "the COMMIT waits")
                runner.send_signal(signal.SIGINT)
                outcome = ended(runner)
        finally:
            connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
            connection.execute("SELECT pg_reload_conf()")
    assert "Traceback" not in outcome.text
    assert project.applied() == [USERS, TASKS]
    assert outcome.code == 130, outcome.text
    assert f"{TASKS} was finished and is recorded" in outcome.err


# ------------------------------------------------------------------------------------- a pooler restarts


@pytest.mark.postgres
@pytest.mark.parametrize("bouncer", [PoolMode.SESSION, PoolMode.TRANSACTION], indirect=True)
def test_a_pooler_that_drops_its_sessions_in_the_middle_of_a_file_keeps_nothing(
    postgres_project: Project, bouncer: Bouncer
) -> None:
    project = postgres_project
    assert isinstance(project.target, PostgresTarget)
    project.variables["TARGET_URL"] = bouncer.through(project.target.database).url
    project.write_tables()
    project.write(TASKS, "CREATE TABLE tasks (id integer);\nSELECT pg_sleep(300);\n")
    asleep = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
    with project.start("migrate") as runner:
        until(lambda: project.rows(asleep), "the second file runs")
        bouncer.admin(f"KILL {project.database}")
        outcome = ended(runner)
    assert outcome.code == 5, outcome.text
    assert f"nothing of {TASKS} was kept" in outcome.err
    until(lambda: not project.rows(asleep), "the orphan has ended")
    assert project.applied() == [USERS]
    assert not project.has_table("tasks")
    project.write(TASKS, "CREATE TABLE tasks (id integer);\n")
    project.ok("migrate", "--url", project.url)
    assert project.applied() == list(FIVE)
