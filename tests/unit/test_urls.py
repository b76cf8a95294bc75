"""Database URLs: what is read from them, what is refused, and that no refusal tells a secret."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import string
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from migration_manager.errors import ConfigError
from migration_manager.secret import Secret
from migration_manager.urls import (
    PARAMETERS,
    SECRET_PARAMETERS,
    DatabaseUrl,
    EmbeddedUrl,
    PostgresUrl,
    SqliteUrl,
    parse_url,
)

CANARY = "cAnArY7"
ROOT = Path("/project")


def parsed(text: str) -> DatabaseUrl:
    return parse_url(text, environment="uat", root=ROOT)


def conninfo(text: str) -> dict[str, str]:
    url = parsed(text)
    assert isinstance(url, PostgresUrl)
    return url.conninfo()


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parsed(text)
    return str(caught.value)


def as_libpq_reads(text: str) -> dict[str, str]:
    pq = pytest.importorskip("psycopg.pq")
    found = {o.keyword.decode(): o.val.decode() for o in pq.Conninfo.parse(text.encode()) if o.val}
    # h1,h2 gives the port "," there, which would keep PGPORT from counting; we leave it out.
    return {key: value for key, value in found.items() if key != "port" or value.strip(",")}


def encoded(text: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "".join(f"%{b:02X}" for b in c.encode()) for c in text)


# ------------------------------------------------------------------------------------- PostgreSQL, read


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://", {}),
        ("postgresql:///app", {"dbname": "app"}),
        ("postgres://h/app", {"host": "h", "dbname": "app"}),
        ("PostgreSQL://h", {"host": "h"}),
        (" postgresql://h/app\n", {"host": "h", "dbname": "app"}),
        (
            "postgresql://u:p@h:5433/app",
            {"user": "u", "password": "p", "host": "h", "port": "5433", "dbname": "app"},
        ),
        ("postgresql://u@/app", {"user": "u", "dbname": "app"}),
        ("postgresql://:p@h", {"password": "p", "host": "h"}),
        ("postgresql://u:@h", {"user": "u", "host": "h"}),
        ("postgresql://@h", {"host": "h"}),
        ("postgresql://h1:5432,h2/app", {"host": "h1,h2", "port": "5432,", "dbname": "app"}),
        ("postgresql://h1,h2", {"host": "h1,h2"}),
        ("postgresql://h:/app", {"host": "h", "dbname": "app"}),
        ("postgresql://[::1]:5432/app", {"host": "::1", "port": "5432", "dbname": "app"}),
        ("postgresql://[fe80::1%25eth0],h/", {"host": "fe80::1%eth0,h"}),
        ("postgresql://%2Fvar%2Frun/app", {"host": "/var/run", "dbname": "app"}),
        ("postgresql:///app?host=/var/run&port=5433", {"host": "/var/run", "port": "5433", "dbname": "app"}),
        ("postgresql://h/a%20b%2Fc", {"host": "h", "dbname": "a b/c"}),
        ("postgresql://h/app?sslmode=verify-full&", {"host": "h", "dbname": "app", "sslmode": "verify-full"}),
        ("postgresql://h?application_name=a+b", {"host": "h", "application_name": "a+b"}),
        (
            "postgresql://h?options=-c%20search_path%3Dapp",
            {"host": "h", "options": "-c search_path=app"},
        ),
        ("postgresql://h?ssl=true", {"host": "h", "sslmode": "require"}),
        ("postgresql://?service=app&passfile=/x", {"service": "app", "passfile": "/x"}),
        ("postgresql://h/?user=u&password=p", {"host": "h", "user": "u", "password": "p"}),
        ("postgresql://h?sslmode=", {"host": "h"}),
        ("postgresql://%C3%A9:%E2%82%AC@h", {"user": "é", "password": "€", "host": "h"}),
        ("postgresql://u:p[w]{}|^~!$&'()*+,;=\"@h", {"user": "u", "password": "p[w]{}|^~!$&'()*+,;=\"", "host": "h"}),
    ],
)
def test_reads_a_postgresql_url_as_libpq_does(text: str, expected: dict[str, str]) -> None:
    assert conninfo(text) == expected
    assert as_libpq_reads(text.strip().replace("PostgreSQL", "postgresql")) == expected


@given(password=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
@example(password=string.printable)
def test_every_percent_encoded_password_comes_back(password: str) -> None:
    found = conninfo(f"postgresql://u:{encoded(password)}@h/app?application_name=x")
    assert found == {"user": "u", "password": password, "host": "h", "dbname": "app", "application_name": "x"}


@pytest.mark.parametrize("c", sorted(set(string.printable) - set(string.whitespace)))
def test_every_printable_character_is_read_or_refused_with_its_encoding(c: str) -> None:
    assert conninfo(f"postgresql://u:a{encoded(c)}b@h")["password"] == f"a{c}b"
    try:
        assert conninfo(f"postgresql://u:a{c}b@h/app")["password"] == f"a{c}b"
    except ConfigError as error:
        assert f"%{ord(c):02X}" in str(error)  # noqa: PT017  # either is right, by the character


@given(
    user=st.text(string.printable.strip(), max_size=5),
    password=st.text(string.printable.strip(), max_size=8),
    database=st.text(string.printable.strip(), max_size=5),
)
@settings(max_examples=40)
def test_agrees_with_libpq_on_any_encoded_url(user: str, password: str, database: str) -> None:
    text = f"postgresql://{encoded(user)}:{encoded(password)}@h1:1,[::2]:3/{encoded(database)}"
    assert conninfo(text) == as_libpq_reads(text)


@given(st.lists(st.sampled_from([CANARY, *"@/?#:%&=,[] ;+'\"\\12", "%41", "%zz", "password=", "host="]), max_size=8))
@settings(max_examples=150)
def test_a_raw_password_is_read_whole_or_refused_without_showing_a_piece(pieces: list[str]) -> None:
    password = CANARY + "".join(pieces) + CANARY
    try:
        url = parsed(f"postgresql://u:{password}@h/app")
    except ConfigError as error:
        assert CANARY not in str(error)  # noqa: PT017  # either is right, by the password
    else:
        assert isinstance(url, PostgresUrl)
        assert url.parameters == {"user": "u", "host": "h", "dbname": "app"}
        assert url.password == Secret(unquote(password))


def test_knows_every_keyword_of_libpq() -> None:
    pq = pytest.importorskip("psycopg.pq")
    assert {o.keyword.decode() for o in pq.Conninfo.get_defaults()} <= PARAMETERS


# ---------------------------------------------------------------------------------- PostgreSQL, refused


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"postgresql://u:{CANARY}@{CANARY}@h/app", "the password has characters .* write @ as %40$"),
        (f"postgresql://u:{CANARY}/{CANARY}@h/app", "@ after the first /; if that is in the password, write / as %2F;"),
        (f"postgresql://u:12/{CANARY}@h/app", "write / as %2F;"),
        (f"postgresql://u:{CANARY}?{CANARY}@h/app", r"write \? as %3F;"),
        (f"postgresql://u:{CANARY}?{CANARY}=1@h/app", r"write \? as %3F;"),
        (f"postgresql://u:{CANARY}#{CANARY}@h/app", "write # as %23;"),
        (f"postgresql://u:{CANARY}@/{CANARY}#@h/app", "write @ as %40, / as %2F, # as %23;"),
        (f"postgresql://u:{CANARY}:{CANARY}@h/app", "the password has .* write : as %3A$"),
        (f"postgresql://u:{CANARY} {CANARY}@h/app", "the password has .* write a space as %20$"),
        (f"postgresql://u:{CANARY}%x{CANARY}@h/app", "a % in the password is not followed .* written %25$"),
        (f"postgresql://u:{CANARY}%4@h/app", "a % in the password"),
        (f"postgresql://u:{CANARY}%zz @h/app", "write a space as %20, % as %25$"),
        (f"postgresql://u:{CANARY}%00@h/app", "the password contains a NUL byte"),
        (f"postgresql://u:{CANARY}%FF@h/app", "escapes in the password are not UTF-8"),
        (f"postgresql://u:{CANARY}\t@h/app", "control character"),
        (f"postgresql://u:{CANARY}\0@h/app", "NUL byte"),
        (f"postgresql://u:{CANARY}\udcff@h/app", "bytes that are not UTF-8"),
        (f"'postgresql://u:{CANARY}@h/app'", "quotation mark"),
        (f"postgresql://u:{CANARY}", "port is not a number; if this is USER:PASSWORD, then @HOST is missing"),
        (f"postgresql://u:{CANARY}@h:{CANARY}/app", "port is not a number$"),
        ("postgresql://h:0/app", "port must be between 1 and 65535"),
        ("postgresql://h:65536/app", "port must be between"),
        ("postgresql://h:99999999999999999999/app", "port must be between"),
        ("postgresql://h:\N{ARABIC-INDIC DIGIT FIVE}/app", "port is not a number"),
        ("postgresql:///?port=70000", "port must be between"),
        ("postgresql://::1:5432/app", "IPv6 address stands in brackets"),
        ("postgresql://[::1/app", "no IPv6 address in brackets"),
        ("postgresql://[app]:1/app", "no IPv6 address in brackets"),
        ("postgresql://h/app/x", "a / in the database's name must be written %2F"),
        ("postgresql://h/a@b", "an @ in the database's name or in a parameter must be written %40"),
        ("postgresql://h/app#x", "# after the host must be written %23"),
        ("postgresql://h/a b", "a space in the database's name must be written %20"),
        ("postgresql://h/a%1Bb", "the database's name contains a control character"),
        ("postgresql://a%g:x@h", "a % in the user's name"),
        ("postgresql://a@b:x@h", "the user's name has .* write @ as %40"),
        ("postgresql://h%/x", "a % in the host"),
        ("postgresql://h?sslmod=require", "parameter sslmod is unknown; did you mean sslmode"),
        ("postgresql://h?ssl=yes", "parameter ssl is unknown"),
        ("postgresql://h?schema=app", "write options=-csearch_path%3DNAME"),
        ("postgresql://h?x%20y=1", "parameter number 1 after the . is unknown"),
        ("postgresql://h?sslmode", "parameter 1 after the . has no ="),
        ("postgresql://h?sslmode=a&sslmode=b", "sslmode is given twice"),
        ("postgresql://u@h?user=v", "user is given twice"),
        ("postgresql://h?sslrootcert=a%", "a % in the parameter sslrootcert"),
        (f"postgresql://u:{CANARY}@h?password={CANARY}", "password is given twice"),
        (f"postgresql://h?password={CANARY}&{CANARY}", "parameter 2 after the . has no ="),
        (f"postgresql://h?password={CANARY}&{CANARY}=1", "parameter 2 after the . is unknown; an & in a password"),
        (f"postgresql://h?password=%zz{CANARY}", "a % in the parameter password"),
        (f"postgress://u:{CANARY}@h/app", "did you mean postgresql://"),
        (f"postgresql+psycopg://u:{CANARY}@h/app", r"write postgresql:// without the \+"),
        (f"postgresql:u:{CANARY}@h/app", "two slashes are missing"),
        (f"jdbc:postgresql://u:{CANARY}@h/app", "without jdbc:"),
        (f"mysql://u:{CANARY}@h/app", "mysql is not supported"),
        (f"mysql+pymysql://u:{CANARY}@h/app", "mysql is not supported"),
        (f"host=h password={CANARY}", "key=value connection string; write it as a URL"),
        (f"h:{CANARY}@x", "begins with no known scheme"),
        (CANARY, "begins with no known scheme"),
        (f"{CANARY}://{CANARY}", "begins with no known scheme"),
        ("", "the URL is empty"),
        (" \n", "the URL is empty"),
    ],
)
def test_refuses_with_advice_and_without_the_secret(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        parsed(text)
    shown = "".join(traceback.format_exception(caught.value))
    assert CANARY.lower() not in shown.lower().split("configerror:")[1]
    assert caught.value.__cause__ is None


# ------------------------------------------------------------------------------------ files and folders


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("embedded:", EmbeddedUrl(ROOT / ".migration_manager" / "uat")),
        ("embedded:some/dir", EmbeddedUrl(ROOT / "some" / "dir")),
        ("embedded:/srv/data", EmbeddedUrl(Path("/srv/data"))),
        ("embedded:a%20b", EmbeddedUrl(ROOT / "a b")),
        ("sqlite:///app.db", SqliteUrl(ROOT / "app.db")),
        ("sqlite:///data/app.db", SqliteUrl(ROOT / "data" / "app.db")),
        ("sqlite:////srv/app.db", SqliteUrl(Path("/srv/app.db"))),
        ("sqlite:///a%3Fb%20c.db", SqliteUrl(ROOT / "a?b c.db")),
    ],
)
def test_reads_paths_relative_to_the_project(text: str, expected: DatabaseUrl) -> None:
    assert parsed(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sqlite://:memory:", "would be gone when the run ends"),
        ("sqlite:///:memory:", "would be gone when the run ends"),
        ("sqlite://", "would be gone when the run ends"),
        ("sqlite:app.db", "write sqlite:///app.db"),
        ("sqlite://app.db", "write sqlite:///app.db"),
        ("sqlite:///", "names no file"),
        ("sqlite:///data/", "names no file"),
        ("sqlite:///app.db?mode=ro", "no parameters"),
        ("sqlite:///100%.db", "a % in the path"),
        ("sqlite:///a%00.db", "NUL"),
        ("sqlite3:///app.db", "write an SQLite file as sqlite:///"),
        ("sqlite+aiosqlite:///app.db", "write an SQLite file as sqlite:///"),
        ("embedded://dir", "without the two slashes"),
        ("embeded:", "did you mean embedded:"),
    ],
)
def test_refuses_paths_that_keep_nothing_or_mean_something_else(text: str, said: str) -> None:
    assert said in refusal(text)


# ---------------------------------------------------------------------------------------------- showing


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"postgresql://u:{CANARY}@db.host:5432/app?sslmode=require", "db.host:5432/app"),
        ("postgresql://h1:1,h2/app", "h1:1,h2/app"),
        ("postgresql://h1,h2/app?port=5433", "h1:5433,h2:5433/app"),
        ("postgresql://[::1]:5432/app", "[::1]:5432/app"),
        ("postgresql://%2Fvar%2Frun:5433/app", "/var/run:5433/app"),
        ("postgresql:///app", "/app"),
        ("postgresql://", "libpq's defaults"),
        ("postgresql://?service=app", "service app"),
        ("postgresql:///other?service=app", "service app (/other)"),
        ("embedded:", "embedded:/project/.migration_manager/uat"),
        ("sqlite:///app.db", "sqlite:/project/app.db"),
    ],
)
def test_shows_an_address_for_people(text: str, shown: str) -> None:
    assert parsed(text).shown() == shown


def test_another_database_keeps_the_rest_of_the_address() -> None:
    url = parsed(f"postgresql://u:{CANARY}@h/app?sslmode=require")
    assert isinstance(url, PostgresUrl)
    other = url.with_database("postgres")
    assert other.database == "postgres"
    assert other.conninfo() == url.conninfo() | {"dbname": "postgres"}
    assert url.database == "app"


def test_the_url_for_psql_is_the_same_address_without_secrets() -> None:
    url = parsed(f"postgresql://u%40x:{CANARY}@h1:1,[::1]/a%20b%26?options=-c%20x%3D1&sslpassword={CANARY}")
    assert isinstance(url, PostgresUrl)
    assert conninfo(url.without_secrets()) == url.parameters
    assert as_libpq_reads(url.without_secrets()) == url.parameters


@pytest.mark.parametrize("name", sorted(SECRET_PARAMETERS))
def test_keeps_every_secret_parameter_out_of_sight(name: str) -> None:
    url = parsed(f"postgresql://h?{name}={CANARY}")
    assert isinstance(url, PostgresUrl)
    assert name not in url.parameters
    assert url.conninfo()[name] == CANARY
    assert CANARY not in repr(url) + str(url) + url.shown() + repr(dataclasses.replace(url))


# ----------------------------------------------------------------------------------------------- Secret


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{:>30}".format, "{!r}".format, lambda s: f"{[s]}"])
def test_a_secret_shows_as_stars(show: Any) -> None:
    assert show(Secret(CANARY)).strip("[]") == "***"


@pytest.mark.parametrize("write", [json.dumps, msgspec.json.encode, msgspec.to_builtins, pickle.dumps])
def test_a_secret_is_written_nowhere(write: Any) -> None:
    with pytest.raises(TypeError):
        write(Secret(CANARY))


def test_a_secret_equals_by_value_and_is_no_text() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert not isinstance(Secret("a"), str)
    assert not hasattr(Secret("a"), "__dict__")


def test_a_copied_secret_is_the_same_secret() -> None:
    secret = Secret(CANARY)
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret]) == [secret]
