"""Database URLs, read and checked before a driver sees them.

libpq repeats a URL it cannot read in its error message, password and all, so none reaches it unchecked. Pure:
no driver, no disk. No message made here contains a piece of the URL that might belong to a password.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias
from urllib.parse import quote, urlencode

from migration_manager.errors import ConfigError, nearest
from migration_manager.secret import Secret

STATE_FOLDER: Final = ".migration_manager"  # in the project root: where embedded servers keep their data

# The connection keywords of libpq 14 to 18 (PQconndefaults), as far as a URL may carry them.
SECRET_PARAMETERS: Final = frozenset(
    {"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"}
)
PARAMETERS: Final = SECRET_PARAMETERS | frozenset(
    [
        "application_name",
        "channel_binding",
        "client_encoding",
        "connect_timeout",
        "dbname",
        "fallback_application_name",
        "gssdelegation",
        "gssencmode",
        "gsslib",
        "host",
        "hostaddr",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "krbsrvname",
        "load_balance_hosts",
        "max_protocol_version",
        "min_protocol_version",
        "oauth_client_id",
        "oauth_issuer",
        "oauth_scope",
        "options",
        "passfile",
        "port",
        "replication",
        "require_auth",
        "requirepeer",
        "service",
        "ssl_max_protocol_version",
        "ssl_min_protocol_version",
        "sslcert",
        "sslcertmode",
        "sslcompression",
        "sslcrl",
        "sslcrldir",
        "sslkey",
        "sslkeylogfile",
        "sslmode",
        "sslnegotiation",
        "sslrootcert",
        "sslsni",
        "target_session_attrs",
        "tcp_user_timeout",
        "user",
    ]
)
_SEARCH_PATH_NAMES = frozenset({"search_path", "schema", "currentSchema"})  # as dbmate, Prisma and JDBC call it

_POSTGRES_SCHEMES = frozenset({"postgresql", "postgres"})
_SCHEMES = ("postgresql", "postgres", "embedded", "sqlite")
_BEGINNINGS = {"embedded": "embedded:", "sqlite": "sqlite:///"}
_NOT_SUPPORTED = frozenset(
    [
        "clickhouse",
        "cockroach",
        "cockroachdb",
        "duckdb",
        "libsql",
        "mariadb",
        "mongodb",
        "mssql",
        "mysql",
        "mysql2",
        "oracle",
        "redis",
        "redshift",
        "snowflake",
        "spanner",
        "sqlserver",
    ]
)
_CONTAINER: Final = "testcontainers"
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*")
_LAST_PORT = 65535
_SCHEME_SHAPE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_MUST_BE_ENCODED: Final = {"@": "%40", "/": "%2F", "?": "%3F", "#": "%23", ":": "%3A", " ": "%20"}


@dataclass(frozen=True, slots=True)
class PostgresUrl:
    """An address for libpq. `parameters` are its connection keywords, without those in `secrets`."""

    parameters: Mapping[str, str]
    secrets: Mapping[str, Secret]  # password, and keywords like sslpassword

    @property
    def password(self) -> Secret | None:
        return self.secrets.get("password")

    @property
    def database(self) -> str | None:
        """The database's name as written; None leaves it to libpq."""
        return self.parameters.get("dbname")

    def conninfo(self) -> dict[str, str]:
        """Return the keywords for `psycopg.connect`. The one place where secrets come out."""
        return dict(self.parameters) | {key: secret.reveal() for key, secret in self.secrets.items()}

    def shown(self) -> str:
        """Return the address as people may see it: `db.internal:5432/app`."""
        hosts = self.parameters.get("host", self.parameters.get("hostaddr", "")).split(",")
        ports = self.parameters.get("port", "").split(",")
        if len(ports) < len(hosts):
            ports = ports[:1] * len(hosts)
        places = [
            (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
            for host, port in zip(hosts, ports, strict=False)
        ]
        database = f"/{self.database}" if self.database else ""
        if service := self.parameters.get("service"):
            return f"service {service}" + (f" ({','.join(places)}{database})" if any(places) or database else "")
        return f"{','.join(places)}{database}" or "libpq's defaults"

    def without_secrets(self) -> str:
        """Return a URL that libpq understands, without any secret: for psql, which asks or looks into `.pgpass`."""
        return "postgresql://?" + urlencode(self.parameters, quote_via=quote)

    def with_database(self, name: str) -> PostgresUrl:
        """Return the same address with another database."""
        return replace(self, parameters=MappingProxyType({**self.parameters, "dbname": name}))


@dataclass(frozen=True, slots=True)
class EmbeddedUrl:
    """A PostgreSQL server of our own, which keeps its data in `directory`."""

    directory: Path

    def shown(self) -> str:
        return f"embedded:{self.directory}"


@dataclass(frozen=True, slots=True)
class SqliteUrl:
    """An SQLite database file."""

    path: Path

    def shown(self) -> str:
        return f"sqlite:{self.path}"


@dataclass(frozen=True, slots=True)
class ContainerUrl:
    """A PostgreSQL server in a container that is there for as long as it is needed."""

    image: str

    def shown(self) -> str:
        return f"{_CONTAINER}:{self.image}"


DatabaseUrl: TypeAlias = PostgresUrl | EmbeddedUrl | SqliteUrl
ScratchUrl: TypeAlias = PostgresUrl | EmbeddedUrl | ContainerUrl


def parse_url(text: str, *, environment: str, root: Path) -> DatabaseUrl:
    """Return what a URL means; relative paths in it start at `root`, the project's folder.

    Raises `ConfigError`, whose text never contains the URL or a piece of a password.
    """
    text = text.strip()
    _refuse_odd_text(text)
    shape = _SCHEME_SHAPE.match(text)
    scheme = shape[1].lower() if shape else ""
    rest = text[shape.end() :] if shape else text
    if scheme in _POSTGRES_SCHEMES:
        if not rest.startswith("//"):
            raise ConfigError("two slashes are missing; a PostgreSQL URL starts with postgresql://")
        return _parse_postgres(rest[2:])
    if scheme == "embedded":
        return _parse_embedded(rest, environment=environment, root=root)
    if scheme == "sqlite":
        return _parse_sqlite(rest, root=root)
    raise ConfigError(_about_scheme(scheme, text))


def parse_scratch_url(text: str, *, root: Path) -> ScratchUrl:
    """Return what the address of a server for throw-away databases means. Raises `ConfigError` as `parse_url` does."""
    scheme, colon, image = text.strip().partition(":")
    if colon and scheme.lower() == _CONTAINER:
        _refuse_odd_text(text)
        if not _IMAGE.fullmatch(image):
            raise ConfigError(f"name the image behind {_CONTAINER}:, as in {_CONTAINER}:postgres:17")
        return ContainerUrl(image)
    # A name that no environment can have, so that its server is not that of an environment.
    url = parse_url(text, environment=".scratch", root=root)
    if isinstance(url, SqliteUrl):
        raise ConfigError("this is where PostgreSQL databases are made; one for SQLite is a file, and needs no place")
    return url


def _refuse_odd_text(text: str) -> None:
    if not text:
        raise ConfigError("the URL is empty")
    if "\0" in text:
        raise ConfigError("the URL contains a NUL byte")
    if any(c < " " or c == "\x7f" for c in text):
        raise ConfigError("the URL contains a line break, a tab or another control character")
    if any("\ud800" <= c <= "\udfff" for c in text):  # how Python shows a variable's bytes that are not UTF-8
        raise ConfigError("the URL contains bytes that are not UTF-8")
    if text[0] in "'\"":
        raise ConfigError("the URL begins with a quotation mark; remove the quotation marks around it")


def _about_scheme(scheme: str, text: str) -> str:
    """Say what to write instead of a scheme that is not ours; the scheme itself may be part of a password."""
    family, _, driver = scheme.partition("+")
    if not scheme and re.match(r"\w+ *=", text):
        return "this is a key=value connection string; write it as a URL: postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
    if family in _POSTGRES_SCHEMES and driver:
        return "write postgresql:// without the + and the driver's name, which only SQLAlchemy knows"
    if family == "jdbc":
        return "write postgresql:// without jdbc:, and USER:PASSWORD@ before the host"
    if family in ("file", "sqlite", "sqlite3"):
        return "write an SQLite file as sqlite:///relative.db or sqlite:////absolute.db"
    if family in _NOT_SUPPORTED:
        return f"{family} is not supported; a URL begins with postgresql://, embedded: or sqlite:///"
    if close := nearest(family, _SCHEMES):
        return f"the scheme is unknown; did you mean {_BEGINNINGS.get(close, 'postgresql://')}?"
    return "the URL begins with no known scheme; write postgresql://, embedded: or sqlite:///"


# ---------------------------------------------------------------------------------------- PostgreSQL


def _parse_postgres(rest: str) -> PostgresUrl:
    end = next((i for i, c in enumerate(rest) if c in "/?#"), len(rest))
    authority, tail = rest[:end], rest[end:]
    _refuse_at_sign_after(authority, tail)
    userinfo, _, hosts = authority.rpartition("@")
    found = _read_userinfo(userinfo)
    found |= _read_hosts(hosts, has_user=bool(userinfo))
    if "#" in tail:
        raise ConfigError("a # after the host must be written %23")
    path, _, query = tail.partition("?")
    if "/" in path[1:]:
        raise ConfigError("a / in the database's name must be written %2F")
    if database := _decode(path[1:], "the database's name"):
        found["dbname"] = database
    _add_query(found, query)
    return PostgresUrl(
        MappingProxyType({key: value for key, value in found.items() if key not in SECRET_PARAMETERS}),
        MappingProxyType({key: Secret(value) for key, value in found.items() if key in SECRET_PARAMETERS}),
    )


def _refuse_at_sign_after(authority: str, tail: str) -> None:
    """Refuse an `@` behind the first `/`, `?` or `#`: most likely one of those is part of the password.

    Otherwise half of the password would be taken for a port, a database or a parameter, and shown as such.
    """
    if "@" not in tail:
        return
    password = (authority.partition(":")[2] + tail).rpartition("@")[0]
    raise ConfigError(
        f"there is an @ after the first {tail[0]}; if that is in the password, {_encodings(password)};"
        " an @ in the database's name or in a parameter must be written %40"
    )


def _read_userinfo(userinfo: str) -> dict[str, str]:
    user, _, password = userinfo.partition(":")
    for part, where in ((user, "the user's name"), (password, "the password")):
        if any(c in part for c in _MUST_BE_ENCODED):
            raise ConfigError(f"{where} has characters that mean something else in a URL: {_encodings(part)}")
    found = {
        "user": _decode(user, "the user's name"),
        "password": _decode(password, "the password", any_text=True),
    }
    return {key: value for key, value in found.items() if value}


def _encodings(part: str) -> str:
    """Say how each character of the part that must be encoded is written."""
    wrong = [f"{'a space' if c == ' ' else c} as {code}" for c, code in _MUST_BE_ENCODED.items() if c in part]
    if _BAD_ESCAPE.search(part):
        wrong.append("% as %25")
    return f"write {', '.join(wrong) or 'it percent-encoded'}"


def _read_hosts(text: str, *, has_user: bool) -> dict[str, str]:
    hosts, ports = [], []
    for item in text.split(","):
        host, port = _split_host(item)
        _check_port(port, "" if has_user else "; if this is USER:PASSWORD, then @HOST is missing after it")
        hosts.append(host)
        ports.append(port)
    # libpq wants as many ports as hosts; an empty one means the default.
    found = {"host": ",".join(hosts) if any(hosts) else "", "port": ",".join(ports) if any(ports) else ""}
    return {key: value for key, value in found.items() if value}


def _check_port(port: str, advice: str = "") -> None:
    if port and not re.fullmatch("[0-9]+", port):
        raise ConfigError(f"the port is not a number{advice}")
    if port and int(port[:9]) not in range(1, _LAST_PORT + 1):
        raise ConfigError("the port must be between 1 and 65535")


def _split_host(item: str) -> tuple[str, str]:
    if item.startswith("["):
        inside, closing, after = item[1:].partition("]")
        host = _decode(inside, "the host")
        if not closing or not re.fullmatch(r"[0-9A-Fa-f:.]+(%.+)?", host) or (after and after[0] != ":"):
            raise ConfigError("the host begins with [ and is no IPv6 address in brackets, like [::1]:5432")
        return host, after[1:]
    host, _, port = item.partition(":")
    if ":" in port:
        raise ConfigError("there are several : after the host; an IPv6 address stands in brackets, [::1]:5432")
    return _decode(host, "the host"), port


def _add_query(found: dict[str, str], query: str) -> None:
    secret_seen = False
    for number, pair in enumerate(query.split("&"), 1):
        if not pair:
            continue
        name, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError(f"parameter {number} after the ? has no =; an & in a value must be written %26")
        name = _decode(name, f"the name of parameter {number}")
        if (name, value) == ("ssl", "true"):  # JDBC's way, which libpq accepts too
            name, value = "sslmode", "require"
        if name not in PARAMETERS:
            # After a password this may be the rest of it, split at an unencoded &.
            raise ConfigError(_unknown_parameter(None if secret_seen else name, number))
        if name in found:
            raise ConfigError(f"{name} is given twice")
        secret = name in SECRET_PARAMETERS
        secret_seen = secret_seen or secret
        if decoded := _decode(value, f"the parameter {name}", any_text=secret):
            found[name] = decoded
        if name == "port":
            for port in decoded.split(","):
                _check_port(port)


def _unknown_parameter(name: str | None, number: int) -> str:
    if name is None:
        return f"parameter {number} after the ? is unknown; an & in a password must be written %26"
    if name in _SEARCH_PATH_NAMES:
        return f"the parameter {name} is unknown to PostgreSQL; write options=-csearch_path%3DNAME"
    close = nearest(name, PARAMETERS)
    shown = name if re.fullmatch(r"\w{1,63}", name) else f"number {number} after the ?"
    advice = f"; did you mean {close}?" if close else " to PostgreSQL's client library"
    return f"the parameter {shown} is unknown{advice}"


def _decode(text: str, where: str, *, any_text: bool = False) -> str:
    """Return the text with its percent escapes undone; a password may be `any_text` but NUL."""
    if " " in text:
        raise ConfigError(f"a space in {where} must be written %20")
    if _BAD_ESCAPE.search(text):
        raise ConfigError(f"a % in {where} is not followed by two hexadecimal digits; a % itself is written %25")
    if "%" not in text:
        return text
    decoded = _utf8(_ESCAPE.sub(lambda escape: bytes.fromhex(escape[1].decode()), text.encode()))
    if decoded is None:
        raise ConfigError(f"the percent escapes in {where} are not UTF-8; a % itself is written %25")
    if "\0" in decoded:
        raise ConfigError(f"{where} contains a NUL byte (%00)")
    if not any_text and any(c < " " or c == "\x7f" for c in decoded):
        raise ConfigError(f"{where} contains a control character")
    return decoded


def _utf8(data: bytes) -> str | None:
    # A UnicodeDecodeError carries the whole text, so it ends here and is no context of another error.
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


# ----------------------------------------------------------------------------------- files and folders


def _parse_embedded(rest: str, *, environment: str, root: Path) -> EmbeddedUrl:
    if rest.startswith("//"):
        raise ConfigError("write embedded: or embedded:some/folder, without the two slashes")
    directory = _decode(rest, "the folder")
    return EmbeddedUrl(root / directory if directory else root / STATE_FOLDER / environment)


def _parse_sqlite(rest: str, *, root: Path) -> SqliteUrl:
    if rest in ("", "//") or ":memory:" in rest:
        raise ConfigError("a database in memory would be gone when the run ends; name a file: sqlite:///app.db")
    if not rest.startswith("///"):
        raise ConfigError(
            "write sqlite:///app.db, with three slashes before a relative path, four before an absolute one"
        )
    path = rest[3:]
    if "?" in path or "#" in path:
        raise ConfigError("an SQLite URL has no parameters; a ? in the path is written %3F, a # %23")
    decoded = _decode(path, "the path")
    if not decoded or decoded.endswith("/"):
        raise ConfigError("the URL names no file; write sqlite:///app.db")
    return SqliteUrl(root / decoded)
