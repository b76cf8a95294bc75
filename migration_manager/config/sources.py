"""Where each key is given: flags, the process's variables, `.env`, the file; and what is wrong in them.

Knows the order of precedence. What wins in the end, and what that means for a run, is `config`'s business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from migration_manager.config.keys import (
    KEYS_OF_ENVIRONMENT,
    KEYS_OF_FILE,
    URL_KEYS,
    VARIABLE_PREFIX,
    VARIABLES,
    Given,
    Rank,
    environment_name,
    flag_name,
    unknown_key,
    unknown_variable,
    variable_name,
)
from migration_manager.configfile import ConfigFile, DotEnv

PROTECTED_NAMES: Final = frozenset({"production", "prod"})

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
# What Kubernetes puts into every container where a service is called migration-manager.
_OF_KUBERNETES = re.compile(VARIABLE_PREFIX + r"(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)")


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything the configuration is made of, as it was found."""

    flags: Mapping[str, object] = field(repr=False)
    environ: Mapping[str, str] = field(repr=False)
    dotenv: DotEnv
    file: ConfigFile | None
    root: Path  # the project's folder
    cwd: Path

    @property
    def environments(self) -> dict[str, Mapping[str, Any]]:
        """The tables of the configured environments; empty when there is none, or nothing that is a table."""
        found = self.file.table.get("environments") if self.file else None
        return {n: t for n, t in found.items() if isinstance(t, dict)} if isinstance(found, dict) else {}

    def place(self, key: str) -> str:
        """Return how a problem names a key of the file."""
        return f"{self.file.shown}: {self.file.prefix}{key}" if self.file else key

    def given(self, key: str, environment: str | None = None) -> Given | None:
        """Return the value that wins, as it was given, or None. `environment` says whose table counts."""
        return next(self._all_given(key, environment), None)

    def variable(self, name: str) -> Given | None:
        """Return the value of a variable of the process or else of `.env`; None when neither has it."""
        for values, where, rank in (
            (self.environ, f"variable {name}", Rank.VARIABLE),
            (self.dotenv.values, f".env: {name}", Rank.DOTENV),
        ):
            if name in values:
                return Given(values[name], where, where, rank)
        return None

    def interpolated(self, given: Given) -> Given:
        """Return the value with each `${NAME}` of the file replaced; the variables become its origin.

        Raises `ValueError` with a sentence for a variable that is not set and for a `${` of another shape.
        """
        if given.rank is not Rank.FILE or not isinstance(given.raw, str) or "${" not in given.raw:
            return given
        if "${" in _REFERENCE.sub("", given.raw):
            raise ValueError("after ${ must stand the name of a variable and }, like ${DATABASE_URL}")
        found = {name: self._referenced(name) for name in _REFERENCE.findall(given.raw)}
        text = _REFERENCE.sub(lambda reference: str(found[reference[1]].raw), given.raw)
        origin = ", ".join(variable.origin for variable in found.values())
        return replace(given, raw=text, origin=origin, place=f"{given.place} ({origin})", is_text=True)

    def problems(self) -> Iterator[str]:
        """Yield what is wrong wherever it stands, in environments that are not used too."""
        yield from self._wrong_variables()
        if self.file is not None:
            yield from self._wrong_top_level(self.file.table)
            for name, table in self.environments.items():
                yield from self._wrong_environment(name, table)

    def _all_given(self, key: str, environment: str | None) -> Iterator[Given]:
        if key in self.flags:
            flag = f"flag {flag_name(key)}"
            yield Given(self.flags[key], flag, flag, Rank.FLAG)
        if variable_name(key) in VARIABLES and (found := self.variable(variable_name(key))):
            yield found
        if self.file and key in KEYS_OF_FILE and key in self.file.table:
            yield self._in_file(key, self.file.table[key])
        if environment is not None and key in (table := self.environments.get(environment, {})):
            yield self._in_file(f"environments.{environment}.{key}", table[key])
        # What other tools and hosts use, as long as nothing says better.
        if key == "url" and not self.environments and (found := self.variable("DATABASE_URL")):
            yield found

    def _in_file(self, path: str, raw: object) -> Given:
        return Given(raw, self.file.shown if self.file else "", self.place(path), Rank.FILE, is_text=False)

    def _referenced(self, name: str) -> Given:
        found = self.variable(name)
        if found is None:
            raise ValueError(f"the variable {name} is not set")
        if not found.raw:
            raise ValueError(f"the variable {name} is set but empty ({found.origin})")
        return found

    def _wrong_variables(self) -> Iterator[str]:
        for values, where in ((self.environ, "variable "), (self.dotenv.values, ".env: ")):
            for name in values:
                known = name in VARIABLES or _OF_KUBERNETES.fullmatch(name)
                if name.startswith(VARIABLE_PREFIX) and not known:
                    yield f"{where}{name}: {unknown_variable(name)}"
        if (name := variable_name("config")) in self.dotenv.values:
            yield f".env: {name}: comes too late here; .env is looked for beside the configuration file"

    def _wrong_top_level(self, table: Mapping[str, Any]) -> Iterator[str]:
        known = (*KEYS_OF_FILE, "environments")
        for key, raw in table.items():
            if key not in known:
                yield f"{self.place(key)}: {unknown_key(key, known)}"
            elif isinstance(raw, str) and "${" in raw and key not in URL_KEYS:
                yield f"{self.place(key)}: ${{NAME}} is read in the values of an environment only"
            elif key in KEYS_OF_FILE:
                yield from self._wrong_value(key, raw)
        tables = table.get("environments", {})
        if not isinstance(tables, dict):
            yield f"{self.place('environments')}: must be a table; write [environments.dev]"
            return
        for name, environment in tables.items():
            if not isinstance(environment, dict):
                yield f"{self.place(f'environments.{name}')}: must be a table; write [environments.{name}]"
        default = table.get("default_environment")
        if tables and isinstance(default, str) and default not in tables and "${" not in default:
            yield f"{self.place('default_environment')}: {not_configured(default, self.environments)}"

    def _wrong_environment(self, name: str, table: Mapping[str, Any]) -> Iterator[str]:
        try:
            environment_name(name)
        except ValueError as error:
            yield f"{self.place(f'environments.{name!r}')}: {error}"
        for key, raw in table.items():
            path = f"environments.{name}.{key}"
            if key not in KEYS_OF_ENVIRONMENT:
                yield f"{self.place(path)}: {unknown_key(key, KEYS_OF_ENVIRONMENT)}"
            elif not (isinstance(raw, str) and "${" in raw):  # those only count for the environment in use
                yield from self._wrong_value(path, raw)
        if table.get("protected") is False and name.casefold() in PROTECTED_NAMES:
            place = self.place(f"environments.{name}.protected")
            yield f"{place}: an environment called {name} is always protected; remove the line"

    def _wrong_value(self, path: str, raw: object) -> Iterator[str]:
        key = path.rpartition(".")[2]
        given = self._in_file(path, raw)
        try:
            (KEYS_OF_FILE | KEYS_OF_ENVIRONMENT)[key].convert(given)
        except ValueError as error:
            yield f"{given.place}: {error}"


def not_configured(name: str, configured: Mapping[str, object]) -> str:
    """Say that there is no such environment, and which there are."""
    if not configured:
        return f"the environment {name} is not configured; add [environments.{name}] with its url"
    return f"the environment {name} is not configured; configured are {', '.join(configured)}"
