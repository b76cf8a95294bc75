"""From the sources to settings: which value wins, what it means, and what is wrong with it. Reads files, no more."""

from __future__ import annotations

import enum
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from migration_manager import configfile
from migration_manager.config.keys import KEYS, KEYS_OF_ENVIRONMENT, PATH_KEYS, URL_KEYS, Given, Rank
from migration_manager.config.settings import Examination, Origin, Settings
from migration_manager.config.sources import PROTECTED_NAMES, Sources, not_configured
from migration_manager.errors import ConfigError
from migration_manager.secret import MASK, Secret
from migration_manager.urls import DatabaseUrl, EmbeddedUrl, PostgresUrl, ScratchUrl, parse_scratch_url, parse_url

_NOT_SET = "(not set)"
_NOT_USABLE = "(not usable)"


def examine_settings(overrides: Mapping[str, object], *, environ: Mapping[str, str], cwd: Path) -> Examination:
    """Return as much as can be found out; what is wrong is part of the answer, never raised."""
    flags = {
        key: os.fspath(value) if isinstance(value, os.PathLike) else value
        for key, value in overrides.items()
        if value is not None
    }
    if unknown := flags.keys() - KEYS.keys():
        raise TypeError(f"no such settings: {', '.join(sorted(unknown))}")  # the caller's mistake, not the user's
    try:
        file = _find_file(flags, environ, cwd)
        root = cwd if file is None else file.path.parent
        dotenv = configfile.read_dotenv(root, cwd)
    except ConfigError as error:
        return Examination(None, error.problems)
    return _Resolution(Sources(flags, environ, dotenv, file, root, cwd)).examine()


def _find_file(flags: Mapping[str, object], environ: Mapping[str, str], cwd: Path) -> configfile.ConfigFile | None:
    given = Sources(flags, environ, configfile.DotEnv({}), None, cwd, cwd).given("config")
    if given is None:
        return configfile.find(cwd)
    try:
        return configfile.read(cwd / KEYS["config"].convert(given), cwd)
    except ValueError as error:
        raise ConfigError(f"{given.place}: {error}") from None


class _Resolution:
    """One walk from the sources to settings, noting origins and problems on the way."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.environment = ""
        self.problems = list(sources.problems())
        self.origins: dict[str, Origin] = {}
        self.secrets: list[Secret] = []

    def examine(self) -> Examination:
        file = self.sources.file
        known = ", ".join(self.sources.environments) or "(none)"
        self._note("config", file.shown if file else "(none)", self._config_origin())
        self._note("environment", _NOT_USABLE, "")
        default_environment = self._value("default_environment")
        self._note("environments", known, file.shown if file else "default")
        migrations = self._path("migrations")
        settings = None
        if self._choose_environment(default_environment):
            settings = self._settings(migrations, default_environment)
        found = Examination(
            settings=None,
            problems=tuple(dict.fromkeys(self.problems)),
            origins=tuple(self.origins.values()),
            secrets=tuple(dict.fromkeys(self.secrets)),
            warnings=tuple(self._warnings()),
        )
        if settings is None:
            return found
        settings = replace(settings, origins=found.origins, secrets=found.secrets, warnings=found.warnings)
        return replace(found, settings=settings)

    def _note(self, key: str, value: str, origin: str) -> None:
        self.origins[key] = Origin(key, value, origin)

    def _problem(self, place: str, sentence: object) -> None:
        self.problems.append(f"{place}: {sentence}")

    def _config_origin(self) -> str:
        given = self.sources.given("config")
        return given.origin if given else "found" if self.sources.file else "default"

    def _given(self, key: str) -> Given | None:
        return self.sources.given(key, self.environment)

    def _value(self, key: str, default: Given | None = None) -> Any:
        """Return a key's effective value; None when there is none or, with a problem, when it is wrong."""
        given = self._given(key) or default or Given(KEYS[key].default, "default", key, Rank.DEFAULT)
        if given.raw is None:
            self._note(key, _NOT_SET, given.origin)
            return None
        try:
            if key in KEYS_OF_ENVIRONMENT:
                given = self.sources.interpolated(given)
            value = KEYS[key].convert(given)
        except ValueError as error:
            self._problem(given.place, error)
            self._note(key, _NOT_USABLE, given.origin)
            return None
        self._note(key, _shown(given.raw, value), given.origin)
        return value

    def _path(self, key: str) -> Path | None:
        folder = self._value(key)
        given = self._given(key)
        # A path somebody types or exports starts where they are, one in a file where the file is.
        typed = given is not None and given.rank in (Rank.VARIABLE, Rank.FLAG)
        return None if folder is None else (self.sources.cwd if typed else self.sources.root) / folder

    def _choose_environment(self, default: str | None) -> bool:
        """Settle which environment is meant; False, with a problem, when there is no such."""
        given = self.sources.given("environment")
        if given is None:
            if default is None:  # it is wrong, and said to be
                return False
            row = self.origins["default_environment"]
            place = "default_environment" if row.origin == "default" else self.sources.place(row.key)
            given = Given(default, row.origin, place, Rank.DEFAULT)
        try:
            name: str = KEYS["environment"].convert(given)
        except ValueError as error:
            self._problem(given.place, error)
            return False
        self._note("environment", name, given.origin)
        self.environment = name
        configured = self.sources.environments
        # Where nothing is configured, dev is embedded and a URL that somebody gave serves any name.
        if name in configured or (not configured and (name == "dev" or self._given("url"))):
            return True
        self._problem(given.place, not_configured(name, configured))
        return False

    def _settings(self, migrations: Path | None, default_environment: str | None) -> Settings | None:
        url, migrate_url = self._urls()
        protected = self._protected()
        if isinstance(url, EmbeddedUrl) and protected:
            place = given.place if (given := self._given("url")) else "url"
            self._problem(place, "embedded: is not for a protected environment; give it a server's URL")
        scratch_url, scratch_problem = self._scratch_url()
        late = Given("refuse", "default where protected", "", Rank.DEFAULT) if protected else None
        values: dict[str, Any] = {
            key: self._value(key, late if key == "out_of_order" else None)
            for key in KEYS_OF_ENVIRONMENT
            if key not in (*URL_KEYS, *PATH_KEYS, "protected")
        } | {key: self._path(key) for key in PATH_KEYS}
        if self.problems or url is None or migrations is None or default_environment is None:
            return None
        return Settings(
            root=self.sources.root,
            config_path=self.sources.file.path if self.sources.file else None,
            environment=self.environment,
            migrations=migrations,
            url=url,
            connect_url=migrate_url or url,
            protected=protected,
            environments=tuple(self.sources.environments),
            protected_environments=tuple(sorted({*PROTECTED_NAMES, *self._protected_by_file()})),
            default_environment=default_environment,
            scratch_url=scratch_url,
            scratch_problem=scratch_problem,
            **values,
        )

    def _protected_by_file(self) -> list[str]:
        return [name for name, table in self.sources.environments.items() if table.get("protected") is True]

    def _protected(self) -> bool:
        implied = self.environment.casefold() in PROTECTED_NAMES
        by_file = self.sources.environments.get(self.environment, {}).get("protected") is True
        default = Given("true", f"the name {self.environment}", "", Rank.DEFAULT) if implied else None
        given = self._given("protected")
        value = self._value("protected", default)
        if value is False and given is not None and (implied or by_file):
            self._note("protected", _NOT_USABLE, given.origin)
            if given.raw is not False or given.rank is not Rank.FILE:  # else it is among the problems already
                place = self.sources.place(f"environments.{self.environment}.protected")
                by = "its name" if implied else place
                self._problem(given.place, f"{self.environment} is protected by {by}; that stays so")
        return bool(value) or implied or by_file

    def _urls(self) -> tuple[DatabaseUrl | None, DatabaseUrl | None]:
        given, direct = self._given("url"), self._given("migrate_url")
        if given is None and not self.sources.environments and self.environment == "dev":
            given = Given("embedded:", "default", "default", Rank.DEFAULT)
        url = None
        if given is not None:
            url = self._url("url", given)
        else:
            place = self.sources.place(f"environments.{self.environment}")
            self._problem(place, 'has no url; url = "embedded:" is a PostgreSQL of its own')
            self._note("url", _NOT_SET, "default")
        if direct is None or (given is not None and given.rank > direct.rank):
            # Who gives a --url means that database, not the one the file's migrate_url leads to.
            origin = "default" if direct is None or given is None else f"not used beside {given.origin}"
            self._note("migrate_url", _NOT_SET, origin)
            return url, None
        migrate_url = self._url("migrate_url", direct)
        if migrate_url is not None and not isinstance(migrate_url, PostgresUrl):
            self._problem(direct.place, "must be a postgresql:// URL")
        return url, migrate_url

    def _url(self, key: str, given: Given) -> DatabaseUrl | None:
        """Return what a URL means; None, with a problem, when it is wrong."""
        try:
            given = self.sources.interpolated(given)
            text = KEYS[key].convert(given)
            url = parse_url(text, environment=self.environment, root=self.sources.root)
        except (ValueError, ConfigError) as error:
            self._problem(given.place, error)
            self._note(key, MASK, given.origin)
            return None
        unused = self.sources.variable("DATABASE_URL") if key == "url" else None
        besides = "; DATABASE_URL is not used" if unused and unused.raw != given.raw else ""
        self._note(key, url.shown(), given.origin + besides)
        if isinstance(url, PostgresUrl):
            self.secrets += self._secrets_of(url)
        return url

    def _scratch_url(self) -> tuple[ScratchUrl | None, str | None]:
        """Return where throw-away databases are made, and what is wrong with what is given.

        That is no problem of the configuration: a server that only migrates has no use for it.
        """
        given = self._given("scratch_url")
        if given is None:
            self._note("scratch_url", _NOT_SET, "default")
            return None, None
        try:
            given = self.sources.interpolated(given)
            url = parse_scratch_url(KEYS["scratch_url"].convert(given), root=self.sources.root)
        except (ValueError, ConfigError) as error:
            self._note("scratch_url", _NOT_USABLE, given.origin)
            return None, f"{given.place}: {error}"
        self._note("scratch_url", url.shown(), given.origin)
        if isinstance(url, PostgresUrl):
            self.secrets += self._secrets_of(url)
        return url, None

    def _secrets_of(self, url: PostgresUrl) -> Iterator[Secret]:
        environ = self.sources.environ
        # postgres:postgres@... is no secret; taking that word out would only garble everything shown.
        plain = {*url.parameters.values(), environ.get("PGUSER"), environ.get("PGDATABASE"), environ.get("PGHOST")}
        for secret in (*url.secrets.values(), Secret(environ.get("PGPASSWORD", ""))):  # libpq reads that one itself
            if secret.reveal() and secret.reveal() not in plain:
                yield secret

    def _warnings(self) -> Iterator[str]:
        sources = self.sources
        for number in sources.dotenv.bad_lines:
            yield f".env: line {number} is not NAME=value and was skipped"
        if sources.file is None or not sources.file.readable_by_all:
            return
        for name, table in sources.environments.items():
            for key in URL_KEYS:
                if _has_password(table.get(key)):
                    yield (
                        f"{sources.place(f'environments.{name}.{key}')}: contains a password, and every user"
                        " of this machine may read the file; put the URL into a variable and write ${NAME}"
                    )


def _has_password(raw: object) -> bool:
    if not isinstance(raw, str) or "${" in raw:
        return False
    try:
        url = parse_url(raw, environment="", root=Path())
    except ConfigError:
        return False
    return isinstance(url, PostgresUrl) and bool(url.secrets)


def _shown(raw: object, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value.value) if isinstance(value, enum.Enum) else str(raw)
