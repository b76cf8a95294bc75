"""The effective configuration: who wins, where each value comes from, and everything that can be wrong with it."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from migration_manager.config import (
    DEFAULT_CONFIG,
    VARIABLES,
    Examination,
    Settings,
    examine_settings,
    load_from_process,
    load_settings,
)
from migration_manager.errors import ConfigError
from migration_manager.model import OutOfOrder
from migration_manager.redact import Redactor
from migration_manager.secret import Secret
from migration_manager.urls import EmbeddedUrl, PostgresUrl, SqliteUrl

CANARY = "cAnArY7"
FILE = "migration_manager.toml"
THREE = f"""
[environments.dev]
url = "embedded:"
[environments.uat]
url = "${{UAT_DATABASE_URL}}"
lock_timeout = "7s"
[environments.production]
url = "${{PRODUCTION_DATABASE_URL}}"
migrate_url = "postgresql://deploy:{CANARY}@direct/app"
"""


class Project:
    """A folder with files, and the two ways to ask for its configuration."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, text: str, name: str = FILE) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        path.chmod(0o600)
        return path

    def load(self, environ: Mapping[str, str] | None = None, cwd: Path | None = None, **flags: Any) -> Settings:
        return load_settings(flags, environ=environ or {}, cwd=cwd or self.root)

    def examine(self, environ: Mapping[str, str] | None = None, **flags: Any) -> Examination:
        return examine_settings(flags, environ=environ or {}, cwd=self.root)

    def problems(self, environ: Mapping[str, str] | None = None, **flags: Any) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            self.load(environ, **flags)
        return list(caught.value.problems)

    def problem(self, environ: Mapping[str, str] | None = None, **flags: Any) -> str:
        found = self.problems(environ, **flags)
        assert len(found) == 1, found
        return found[0]

    def origin(self, key: str, environ: Mapping[str, str] | None = None, **flags: Any) -> tuple[str, str]:
        rows = {row.key: (row.value, row.origin) for row in self.examine(environ, **flags).origins}
        return rows[key]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def host(settings: Settings) -> str:
    assert isinstance(settings.url, PostgresUrl)
    return settings.url.parameters["host"]


# --------------------------------------------------------------------------------------------- nothing


def test_with_nothing_at_all_dev_is_embedded(project: Project) -> None:
    assert project.load() == Settings(
        root=project.root,
        config_path=None,
        environment="dev",
        migrations=project.root / "migrations",
        url=EmbeddedUrl(project.root / ".migration_manager" / "dev"),
        connect_url=EmbeddedUrl(project.root / ".migration_manager" / "dev"),
        protected=False,
        role=None,
        history_schema=None,
        history_table="schema_migrations",
        lock_timeout=5000,
        lock_retries=10,
        lock_retry_budget=600_000,
        lock_queue_limit=0,
        show_queries=True,
        statement_timeout=0,
        lock_wait=600_000,
        out_of_order=OutOfOrder.WARN,
        require_rollback=False,
        schema_file=None,
        pg_bin=None,
        server_version=None,
        environments=(),
        protected_environments=("prod", "production"),
        default_environment="dev",
        scratch_url=None,
        scratch_problem=None,
        origins=project.load().origins,
    )


def test_a_file_without_environments_keeps_dev_embedded(project: Project) -> None:
    project.write('migrations = "db"')
    assert isinstance(project.load().url, EmbeddedUrl)
    assert project.load().migrations == project.root / "db"


def test_without_environments_database_url_serves_any_name(project: Project) -> None:
    environ = {"DATABASE_URL": f"postgresql://u:{CANARY}@h/app"}
    assert host(project.load(environ)) == "h"
    assert project.load(environ, environment="production").protected
    assert project.origin("url", environ) == ("h/app", "variable DATABASE_URL")


def test_database_url_is_read_from_dotenv_too(project: Project) -> None:
    project.write("DATABASE_URL=sqlite:///a.db", ".env")
    assert project.load().url == SqliteUrl(project.root / "a.db")
    assert project.origin("url")[1] == ".env: DATABASE_URL"


def test_an_empty_database_url_is_no_reason_to_go_embedded(project: Project) -> None:
    assert (
        project.problem({"DATABASE_URL": ""}) == "variable DATABASE_URL: is set but empty; give it a value or unset it"
    )


def test_a_configured_environment_ignores_database_url_and_says_so(project: Project) -> None:
    project.write(THREE)
    assert isinstance(project.load({"DATABASE_URL": "postgresql://h/app"}).url, EmbeddedUrl)
    assert project.origin("url", {"DATABASE_URL": "postgresql://h/app"})[1] == f"{FILE}; DATABASE_URL is not used"
    assert project.origin("url", {"DATABASE_URL": "embedded:"})[1] == FILE


@pytest.mark.parametrize("flags", [{"environment": "uta"}, {"environment": "uta", "url": "postgresql://h/app"}])
def test_an_environment_that_is_not_configured_is_refused_with_those_that_are(
    project: Project, flags: dict[str, Any]
) -> None:
    project.write(THREE)
    assert project.problem(**flags) == (
        "flag --env: the environment uta is not configured; configured are dev, uat, production"
    )


def test_without_environments_only_dev_has_a_default(project: Project) -> None:
    assert project.problem(environment="uat") == (
        "flag --env: the environment uat is not configured; add [environments.uat] with its url"
    )


def test_an_environment_without_url_has_no_default(project: Project) -> None:
    project.write("[environments.dev]")
    assert project.problem().startswith(f"{FILE}: environments.dev: has no url; ")


# ------------------------------------------------------------------------------------------ precedence


def sources(project: Project, winners: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Give lock_timeout a different value in each of the named sources."""
    project.write('[environments.dev]\nurl = "embedded:"\n' + ('lock_timeout = "1s"' if "file" in winners else ""))
    if "dotenv" in winners:
        project.write("MIGRATION_MANAGER_LOCK_TIMEOUT=2s", ".env")
    return (
        {"MIGRATION_MANAGER_LOCK_TIMEOUT": "3s"} if "variable" in winners else {},
        {"lock_timeout": "4s"} if "flag" in winners else {"lock_timeout": None},
    )


@pytest.mark.parametrize(
    ("given", "milliseconds", "origin"),
    [
        ("flag variable dotenv file", 4000, "flag --lock-timeout"),
        ("variable dotenv file", 3000, "variable MIGRATION_MANAGER_LOCK_TIMEOUT"),
        ("dotenv file", 2000, ".env: MIGRATION_MANAGER_LOCK_TIMEOUT"),
        ("file", 1000, FILE),
        ("", 5000, "default"),
    ],
)
def test_flag_beats_variable_beats_dotenv_beats_file_beats_default(
    project: Project, given: str, milliseconds: int, origin: str
) -> None:
    environ, flags = sources(project, given)
    assert project.load(environ, **flags).lock_timeout == milliseconds
    assert project.origin("lock_timeout", environ, **flags)[1] == origin


@pytest.mark.parametrize(
    ("variable", "text", "attribute", "value"),
    [
        ("MIGRATION_MANAGER_URL", "sqlite:////a.db", "url", SqliteUrl(Path("/a.db"))),
        ("MIGRATION_MANAGER_PROTECTED", "true", "protected", True),
        ("MIGRATION_MANAGER_PROTECTED", "0", "protected", False),
        ("MIGRATION_MANAGER_ROLE", "owner", "role", "owner"),
        ("MIGRATION_MANAGER_HISTORY_SCHEMA", "ops", "history_schema", "ops"),
        ("MIGRATION_MANAGER_HISTORY_TABLE", "done", "history_table", "done"),
        ("MIGRATION_MANAGER_LOCK_TIMEOUT", "1s", "lock_timeout", 1000),
        ("MIGRATION_MANAGER_LOCK_RETRIES", "3", "lock_retries", 3),
        ("MIGRATION_MANAGER_LOCK_RETRY_BUDGET", "1min", "lock_retry_budget", 60_000),
        ("MIGRATION_MANAGER_LOCK_QUEUE_LIMIT", "20", "lock_queue_limit", 20),
        ("MIGRATION_MANAGER_SHOW_QUERIES", "false", "show_queries", False),
        ("MIGRATION_MANAGER_STATEMENT_TIMEOUT", "1min", "statement_timeout", 60_000),
        ("MIGRATION_MANAGER_LOCK_WAIT", "0", "lock_wait", 0),
        ("MIGRATION_MANAGER_OUT_OF_ORDER", "allow", "out_of_order", OutOfOrder.ALLOW),
        ("MIGRATION_MANAGER_REQUIRE_ROLLBACK", "1", "require_rollback", True),
        ("MIGRATION_MANAGER_SERVER_VERSION", "16.4", "server_version", "16.4"),
        ("MIGRATION_MANAGER_SERVER_VERSION", "16", "server_version", "16"),
        ("MIGRATION_MANAGER_ENV", "ci", "environment", "ci"),
    ],
)
def test_every_key_has_a_variable(project: Project, variable: str, text: str, attribute: str, value: object) -> None:
    environ = {"MIGRATION_MANAGER_URL": "sqlite:////b.db", variable: text}
    assert getattr(project.load(environ), attribute) == value
    assert variable in VARIABLES


def test_a_flag_may_be_a_value_already(project: Project) -> None:
    found = project.load(out_of_order=OutOfOrder.ALLOW, require_rollback=True, migrations=Path("db"))
    assert (found.out_of_order, found.require_rollback) == (OutOfOrder.ALLOW, True)
    assert found.migrations == project.root / "db"


def test_a_flag_that_does_not_exist_is_the_callers_mistake(project: Project) -> None:
    with pytest.raises(TypeError, match="lock_timout"):
        project.load(lock_timout="1s")


@pytest.mark.parametrize(
    ("environ", "flags", "chosen", "origin"),
    [
        ({}, {}, "uat", FILE),
        ({"MIGRATION_MANAGER_ENV": "dev"}, {}, "dev", "variable MIGRATION_MANAGER_ENV"),
        ({"MIGRATION_MANAGER_ENV": "dev"}, {"environment": "uat"}, "uat", "flag --env"),
    ],
)
def test_chooses_the_environment(
    project: Project, environ: dict[str, str], flags: dict[str, Any], chosen: str, origin: str
) -> None:
    project.write('default_environment = "uat"\n' + THREE)
    environ |= {"UAT_DATABASE_URL": "postgresql://h"}
    assert project.load(environ, **flags).environment == chosen
    assert project.origin("environment", environ, **flags) == (chosen, origin)


# --------------------------------------------------------------------------------------- interpolation


def test_a_variable_is_put_into_a_value_and_named_as_its_origin(project: Project) -> None:
    project.write(THREE)
    environ = {"UAT_DATABASE_URL": f"postgresql://u:{CANARY}@uat.host/app"}
    assert host(project.load(environ, environment="uat")) == "uat.host"
    assert project.origin("url", environ, environment="uat") == ("uat.host/app", "variable UAT_DATABASE_URL")


def test_a_variable_of_the_process_beats_dotenv(project: Project) -> None:
    project.write(THREE)
    project.write("UAT_DATABASE_URL=postgresql://dotenv/app", ".env")
    assert project.origin("url", environment="uat") == ("dotenv/app", ".env: UAT_DATABASE_URL")
    assert host(project.load({"UAT_DATABASE_URL": "postgresql://process/app"}, environment="uat")) == "process"


def test_several_variables_may_make_one_value(project: Project) -> None:
    project.write('[environments.dev]\nurl = "postgresql://${USER_}:${PASS}@h/${USER_}"')
    project.write("PASS=a%2Fb", ".env")
    found = project.load({"USER_": "me"})
    assert isinstance(found.url, PostgresUrl)
    assert found.url.conninfo() == {"user": "me", "password": "a/b", "host": "h", "dbname": "me"}
    assert project.origin("url", {"USER_": "me"})[1] == "variable USER_, .env: PASS"


def test_what_a_variable_holds_is_not_interpolated_again(project: Project) -> None:
    project.write(THREE)
    assert "begins with no known scheme" in project.problem({"UAT_DATABASE_URL": "${OTHER}"}, environment="uat")


def test_text_of_a_variable_may_become_a_bool_or_a_time(project: Project) -> None:
    project.write(
        '[environments.dev]\nurl = "embedded:"\nrequire_rollback = "${R}"\nlock_timeout = "${L}"\nout_of_order = "${O}"'
    )
    found = project.load({"R": "true", "L": "1s", "O": "allow"})
    assert (found.require_rollback, found.lock_timeout, found.out_of_order) == (True, 1000, OutOfOrder.ALLOW)


def test_only_the_chosen_environment_needs_its_variables(project: Project) -> None:
    project.write(THREE)
    assert project.load().environment == "dev"
    assert project.problem(environment="uat") == (
        f"{FILE}: environments.uat.url: the variable UAT_DATABASE_URL is not set"
    )


def test_a_flag_makes_a_missing_variable_irrelevant(project: Project) -> None:
    project.write(THREE)
    assert host(project.load(environment="uat", url="postgresql://flag/app")) == "flag"


def test_an_empty_variable_is_named(project: Project) -> None:
    project.write(THREE)
    assert project.problem({"UAT_DATABASE_URL": ""}, environment="uat").endswith(
        "the variable UAT_DATABASE_URL is set but empty (variable UAT_DATABASE_URL)"
    )


@pytest.mark.parametrize("text", ["${}", "${1A}", "${A-B}", "${A", "x${ A }", "${A:-b}", "$${"])
def test_a_dollar_brace_of_another_shape_is_refused(project: Project, text: str) -> None:
    project.write(f'[environments.dev]\nurl = "embedded:"\nrole = "{text}"')
    assert project.problem({"A": "a"}) == (
        f"{FILE}: environments.dev.role: after ${{ must stand the name of a variable and }}, like ${{DATABASE_URL}}"
    )


@pytest.mark.parametrize("text", ["$", "$A", "a$b", "$$"])
def test_a_dollar_alone_is_a_dollar(project: Project, text: str) -> None:
    project.write(f'[environments.dev]\nurl = "embedded:"\nrole = "{text}"')
    assert project.load({"A": "a"}).role == text


def test_variables_are_read_in_environments_only(project: Project) -> None:
    project.write('migrations = "${HOME}/db"')
    assert project.problem({"HOME": "/"}) == (
        f"{FILE}: migrations: ${{NAME}} is read in the values of an environment only"
    )


# ----------------------------------------------------------------------------------------------- .env


def test_dotenv_may_have_a_bom_crlf_quotes_and_export(project: Project) -> None:
    project.write(
        "\N{BYTE ORDER MARK}MIGRATION_MANAGER_ROLE=a\r\nexport MIGRATION_MANAGER_LOCK_WAIT='1s'\r\n# comment\r\n",
        ".env",
    )
    found = project.load()
    assert (found.role, found.lock_wait) == ("a", 1000)


def test_dotenv_is_not_interpolated(project: Project) -> None:
    project.write("DATABASE_URL=postgresql://u:a${HOME}b$HOME@h", ".env")
    found = project.load({"HOME": "x"})
    assert isinstance(found.url, PostgresUrl)
    assert found.url.password == Secret("a${HOME}b$HOME")


def test_dotenv_is_looked_for_beside_the_configuration(project: Project) -> None:
    project.write('[environments.dev]\nurl = "embedded:"')
    project.write("MIGRATION_MANAGER_ROLE=above", ".env")
    project.write("MIGRATION_MANAGER_ROLE=below", "sub/.env")
    assert project.load(cwd=project.root / "sub").role == "above"


def test_a_folder_called_dotenv_is_ignored(project: Project) -> None:
    (project.root / ".env").mkdir()
    assert project.load().environment == "dev"


def test_a_line_of_dotenv_that_is_no_variable_is_a_warning(project: Project) -> None:
    project.write(f"A=1\nfoo {CANARY}\nMIGRATION_MANAGER_ROLE=x\n", ".env")
    found = project.load()
    assert found.warnings == (".env: line 2 is not NAME=value and was skipped",)
    assert found.role == "x"


def test_dotenv_that_is_not_utf8_is_refused(project: Project) -> None:
    (project.root / ".env").write_bytes(b"A=\xff")
    assert project.problem() == ".env: is not UTF-8 (byte 2)"


# ------------------------------------------------------------------------------------- finding the file


def test_the_nearest_configuration_upwards_counts(project: Project) -> None:
    project.write('migrations = "far"')
    project.write('[tool.migration_manager]\nmigrations = "near"', "a/pyproject.toml")
    project.write("[project]\nname = 'other'", "a/b/pyproject.toml")
    project.write("broken [", "a/b/c/pyproject.toml")
    below = project.root / "a" / "b" / "c"
    found = project.load(cwd=below)
    assert found.migrations == project.root / "a" / "near"
    assert found.root == project.root / "a"
    assert found.config_path == project.root / "a" / "pyproject.toml"


def test_pyproject_problems_name_the_whole_key(project: Project) -> None:
    project.write('[tool.migration_manager.environments.dev]\nurl = "embedded:"\nlock_timeout = 5', "pyproject.toml")
    assert project.problem().startswith("pyproject.toml: tool.migration_manager.environments.dev.lock_timeout: '5' has")


def test_two_configurations_in_one_folder_are_refused(project: Project) -> None:
    project.write('migrations = "a"')
    project.write("[tool.migration_manager]", "pyproject.toml")
    assert project.problem() == (
        f"{FILE} and [tool.migration_manager] in pyproject.toml both configure this project; keep one of them"
    )


def test_a_problem_in_a_parent_names_the_file_as_seen_from_here(project: Project) -> None:
    project.write("mgrations = 'a'")
    (project.root / "sub").mkdir()
    with pytest.raises(ConfigError, match=rf"^\.\./{FILE}: mgrations: is unknown; did you mean migrations\?$"):
        project.load(cwd=project.root / "sub")


def test_the_table_is_written_with_an_underscore(project: Project) -> None:
    project.write("[tool.migration-manager]", "pyproject.toml")
    assert project.problem() == "pyproject.toml: write [tool.migration_manager], with an underscore"


@pytest.mark.parametrize("environ", [{}, {"MIGRATION_MANAGER_CONFIG": "other.toml"}])
def test_a_named_file_is_read_and_its_folder_is_the_project(project: Project, environ: dict[str, str]) -> None:
    project.write('migrations = "found"')
    project.write('migrations = "other"', "other.toml")
    project.write('migrations = "named"', "sub/named.toml")
    flags: dict[str, Any] = {} if environ else {"config": "sub/named.toml"}
    expected = project.root / "other" if environ else project.root / "sub" / "named"
    assert project.load(environ, **flags).migrations == expected


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing.toml", "missing.toml: there is no such file"),
        (".", ".: cannot be read: Is a directory"),
        ("pyproject.toml", "pyproject.toml has no table [tool.migration_manager]"),
        ("", "flag --config: is empty"),
    ],
)
def test_a_named_file_must_be_there(project: Project, name: str, said: str) -> None:
    project.write("[project]", "pyproject.toml")
    assert project.problem(config=name) == said


def test_a_named_pyproject_is_read_by_its_table(project: Project) -> None:
    project.write('[tool.migration_manager]\nmigrations = "x"', "sub/pyproject.toml")
    assert project.load(config="sub/pyproject.toml").migrations == project.root / "sub" / "x"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("migrations = \n", f"{FILE}:1:14: "),
        (f'[environments.dev]\nurl = "{CANARY}\n', f"{FILE}:2:15: "),
        (f"[environments.dev]\nurl = {CANARY}", f"{FILE}:2:7: "),
        ("a = 1\na = 2", f"{FILE}:2:6: Cannot overwrite a value"),
        ("a = [1,\n", f"{FILE}:2:1: "),
    ],
)
def test_a_syntax_error_has_line_and_column(project: Project, text: str, place: str) -> None:
    project.write(text)
    assert project.problem().startswith(place)
    assert CANARY not in project.problem()


def test_the_file_may_have_a_bom_and_crlf(project: Project) -> None:
    project.write('\N{BYTE ORDER MARK}migrations = "db"\r\n[environments.dev]\r\nurl = "embedded:"\r\n')
    assert project.load().migrations == project.root / "db"


def test_a_file_that_is_not_utf8_is_refused(project: Project) -> None:
    (project.root / FILE).write_bytes(b'migrations = "\xe9"')
    assert project.problem() == f"{FILE}: is not UTF-8 (byte 14)"


def test_folders_in_the_file_start_at_the_file_and_typed_ones_here(project: Project) -> None:
    project.write('migrations = "db"')
    sub = project.root / "sub"
    sub.mkdir()
    assert project.load(cwd=sub).migrations == project.root / "db"
    assert project.load(cwd=sub, migrations="db").migrations == sub / "db"
    assert project.load({"MIGRATION_MANAGER_DIR": "db"}, cwd=sub).migrations == sub / "db"
    assert project.load({"MIGRATION_MANAGER_DIR": "/srv/db"}, cwd=sub).migrations == Path("/srv/db")


def test_other_paths_of_an_environment_start_at_the_file_and_typed_ones_here(project: Project) -> None:
    project.write('[environments.dev]\nurl = "embedded:"\nschema_file = "db/schema.sql"\npg_bin = "/opt/pg/bin"')
    sub = project.root / "sub"
    sub.mkdir()
    found = project.load(cwd=sub)
    assert (found.schema_file, found.pg_bin) == (project.root / "db" / "schema.sql", Path("/opt/pg/bin"))
    typed = project.load({"MIGRATION_MANAGER_SCHEMA_FILE": "schema.sql"}, cwd=sub)
    assert typed.schema_file == sub / "schema.sql"


# --------------------------------------------------------------------------------------- wrong in a file


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("migrationss = 'a'", "migrationss: is unknown; did you mean migrations?"),
        ("zzz = 1", "zzz: is unknown; known are migrations, default_environment, scratch_url, environments"),
        ("migrations = 5", "migrations: must be text in quotation marks"),
        ("migrations = ''", "migrations: is empty"),
        ("environments = 5", "environments: must be a table; write [environments.dev]"),
        ("environments.dev = 'x'", "environments.dev: must be a table; write [environments.dev]"),
        ("environments.'a/b' = {}", "environments.'a/b': must be a name of letters, digits, _, - and . that begins"),
        ("default_environment = 'de'", "default_environment: the environment de is not configured; configured are dev"),
        ("default_environment = '../x'", "default_environment: must be a name of letters"),
    ],
)
def test_names_what_is_wrong_at_the_top_of_the_file(project: Project, text: str, problem: str) -> None:
    more = (
        ""
        if text.startswith("environments =") or "environments.dev" in text
        else '\nenvironments.dev.url = "embedded:"'
    )
    project.write(text + more)
    assert any(found.startswith(f"{FILE}: {problem}") for found in project.problems(environment="dev"))


@pytest.mark.parametrize("environment", ["dev", "other"])
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("lock_timout = '5s'", "lock_timout: is unknown; did you mean lock_timeout?"),
        ("zzz = 1", "zzz: is unknown; known are url, migrate_url, protected, role, history_schema, history_table,"),
        ("lock_timeout = 5", "lock_timeout: '5' has no unit; write 5s for seconds or 5ms for milliseconds"),
        ("lock_timeout = 1.5", 'lock_timeout: must be a time with its unit in quotation marks, like "5s"'),
        ("lock_timeout = true", "lock_timeout: must be a time with its unit"),
        ("lock_retries = '3'", "lock_retries: must be a whole number"),
        ("lock_retries = 1.5", "lock_retries: must be a whole number"),
        ("lock_retries = -1", "lock_retries: must be 0 or more"),
        ("lock_queue_limit = true", "lock_queue_limit: must be a whole number"),
        ("lock_retry_budget = 600", "lock_retry_budget: '600' has no unit; write 600s"),
        ("show_queries = 'no'", "show_queries: must be true or false"),
        ("statement_timeout = 'soon'", "statement_timeout: 'soon' is not a time;"),
        ("lock_wait = '30 days'", "lock_wait: '30 days' has an unknown unit; write 30d"),
        ("protected = 'true'", "protected: must be true or false"),
        ("require_rollback = 1", "require_rollback: must be true or false"),
        ('server_version = "18beta1"', "server_version: must be a version of PostgreSQL in quotation marks, like"),
        ("server_version = 16.4", "server_version: must be a version of PostgreSQL in quotation marks, like"),
        ("server_version = 0", "server_version: must be a version of PostgreSQL in quotation marks, like"),
        ("out_of_order = 'ignore'", 'out_of_order: must be "refuse", "warn" or "allow"'),
        ("out_of_order = true", 'out_of_order: must be "refuse", "warn" or "allow"'),
        ("role = ''", "role: is empty"),
        ('role = "a\\u0000"', "role: contains a control character"),
        (f"role = '{'é' * 32}'", "role: is longer than 63 bytes"),
        (
            "history_table = 'ops.migrations'",
            "history_table: must be a name without a dot; the schema is history_schema",
        ),
        (f"history_table = '{'a' * 59}'", "history_table: is longer than 58 bytes"),
        ("url = ['a']", "url: must be text in quotation marks"),
        ("migrate_url = 5", "migrate_url: must be text in quotation marks"),
    ],
)
def test_names_what_is_wrong_in_any_environment(project: Project, environment: str, text: str, problem: str) -> None:
    url = "" if text.startswith("url") else 'url = "embedded:"\n'
    project.write(f'environments.dev2.url = "embedded:"\n[environments.{environment}]\n{url}{text}')
    found = project.problem(environment="dev2")
    assert found.startswith(f"{FILE}: environments.{environment}.{problem}")


@pytest.mark.parametrize("zero", ["0", "'0'", "'0s'"])
def test_zero_needs_no_unit(project: Project, zero: str) -> None:
    project.write(f'[environments.dev]\nurl = "embedded:"\nlock_timeout = {zero}')
    assert project.load().lock_timeout == 0


def test_all_problems_are_told_together(project: Project) -> None:
    project.write(
        f"""
        colour = "red"
        [environments.uat]
        url = "postgresql://u:{CANARY}@{CANARY}@h/app"
        role = "${{NOBODY_SET_THIS}}"
        lock_timeout = 5
        lokc_wait = "1s"
        [environments.other]
        out_of_order = "maybe"
        url = "${{NOT_USED}}"
        """
    )
    environ = {"MIGRATION_MANAGER_ROLLE": "x", "MIGRATION_MANAGER_STATEMENT_TIMEOUT": "1 week"}
    assert project.problems(environ, environment="uat") == [
        "variable MIGRATION_MANAGER_ROLLE: is unknown; did you mean MIGRATION_MANAGER_ROLE?",
        f"{FILE}: colour: is unknown; known are migrations, default_environment, scratch_url, environments",
        f"{FILE}: environments.uat.lock_timeout: '5' has no unit; write 5s for seconds or 5ms for milliseconds",
        f"{FILE}: environments.uat.lokc_wait: is unknown; did you mean lock_wait?",
        f'{FILE}: environments.other.out_of_order: must be "refuse", "warn" or "allow"',
        f"{FILE}: environments.uat.url: the password has characters that mean something else in a URL: write @ as %40",
        f"{FILE}: environments.uat.role: the variable NOBODY_SET_THIS is not set",
        "variable MIGRATION_MANAGER_STATEMENT_TIMEOUT: '1 week' has an unknown unit; units are ms, s, min, h and d",
    ]
    with pytest.raises(ConfigError, match=r"^the configuration has 8 problems:\n  variable .*\n  migration_manager"):
        project.load(environ, environment="uat")


# ------------------------------------------------------------------------------------ wrong in variables


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("MIGRATION_MANAGER_LOCK_TIMOUT", "is unknown; did you mean MIGRATION_MANAGER_LOCK_TIMEOUT?"),
        ("MIGRATION_MANAGER_URLS", "is unknown; did you mean MIGRATION_MANAGER_URL?"),
        ("MIGRATION_MANAGER_ZZZ", "is unknown; after MIGRATION_MANAGER_ may stand CONFIG, ENV, DIR, SCRATCH_URL, URL,"),
        ("MIGRATION_MANAGER_DEFAULT_ENVIRONMENT", "is unknown"),
    ],
)
def test_an_unknown_variable_of_ours_is_refused(project: Project, name: str, said: str) -> None:
    assert project.problem({name: "x"}).startswith(f"variable {name}: {said}")
    project.write(f"{name}=x", ".env")
    assert project.problem().startswith(f".env: {name}: {said}")


@pytest.mark.parametrize("name", ["MIGRATION_MANAGER_PORT_80_TCP_ADDR", "MIGRATION_MANAGER_SERVICE_HOST", "OTHER_URL"])
def test_variables_of_kubernetes_and_others_are_none_of_ours(project: Project, name: str) -> None:
    assert project.load({name: "x"}).environment == "dev"


@pytest.mark.parametrize("name", sorted(VARIABLES.keys() - {"MIGRATION_MANAGER_SCRATCH_URL"}))
def test_a_variable_that_is_set_but_empty_is_refused(project: Project, name: str) -> None:
    assert project.problem({name: ""}) == f"variable {name}: is set but empty; give it a value or unset it"


def test_what_is_wrong_with_the_scratch_url_is_a_matter_for_who_wants_one(project: Project) -> None:
    settings = project.load({"MIGRATION_MANAGER_SCRATCH_URL": ""})
    assert settings.scratch_url is None
    assert settings.scratch_problem is not None
    assert "is set but empty" in settings.scratch_problem


def test_a_scratch_url_is_a_server_or_a_container(project: Project) -> None:
    def shown(address: str) -> str | None:
        settings = project.load({"MIGRATION_MANAGER_SCRATCH_URL": address})
        return settings.scratch_url.shown() if settings.scratch_url else settings.scratch_problem

    assert shown("embedded:") == f"embedded:{project.root}/.migration_manager/.scratch"
    assert shown("postgresql://me@h:1/app") == "h:1/app"
    assert shown("testcontainers:postgis/postgis:17-3.5") == "testcontainers:postgis/postgis:17-3.5"


def test_the_password_of_a_scratch_url_is_a_secret(project: Project) -> None:
    found = project.examine({"MIGRATION_MANAGER_SCRATCH_URL": f"postgresql://u:{CANARY}@h/app"})
    assert CANARY in {secret.reveal() for secret in found.secrets}
    assert CANARY not in repr(found.origins)


def test_the_file_cannot_be_chosen_by_the_dotenv_beside_it(project: Project) -> None:
    project.write("MIGRATION_MANAGER_CONFIG=x.toml", ".env")
    assert project.problem().startswith(".env: MIGRATION_MANAGER_CONFIG: comes too late here")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"url": ""}, "flag --url: the URL is empty"),
        ({"url": f"postgresql://u:{CANARY}%@h"}, "flag --url: a % in the password"),
        ({"url": 5}, "flag --url: must be text"),
        ({"environment": "../x"}, "flag --env: must be a name of letters"),
        ({"lock_timeout": "5"}, "flag --lock-timeout: '5' has no unit"),
        ({"out_of_order": "x"}, 'flag --out-of-order: must be "refuse"'),
        ({"require_rollback": "maybe"}, "flag --require-rollback: must be true or false"),
        ({"migrations": ""}, "flag --dir: is empty"),
    ],
)
def test_a_wrong_flag_is_named(project: Project, flags: dict[str, Any], said: str) -> None:
    assert project.problem(**flags).startswith(said)


def test_a_wrong_url_names_file_key_and_variable(project: Project) -> None:
    project.write(THREE)
    assert project.problem({"UAT_DATABASE_URL": f"postgress://u:{CANARY}@h"}, environment="uat") == (
        f"{FILE}: environments.uat.url (variable UAT_DATABASE_URL): the scheme is unknown; did you mean postgresql://?"
    )


# -------------------------------------------------------------------------------------------- the guard


@pytest.mark.parametrize("name", ["production", "prod", "Production", "PROD"])
def test_names_imply_protection_and_refuse_late_migrations(project: Project, name: str) -> None:
    found = project.load(environment=name, url="postgresql://h/app")
    assert found.protected
    assert found.out_of_order is OutOfOrder.REFUSE
    assert project.origin("protected", environment=name, url="postgresql://h") == ("true", f"the name {name}")
    assert project.origin("out_of_order", environment=name, url="postgresql://h")[1] == "default where protected"


@pytest.mark.parametrize("name", ["production", "prod"])
def test_protection_by_name_cannot_be_written_off(project: Project, name: str) -> None:
    project.write(
        f'environments.dev.url = "embedded:"\n[environments.{name}]\nurl = "postgresql://h"\nprotected = false'
    )
    for environment in ("dev", name):
        assert project.problem(environment=environment) == (
            f"{FILE}: environments.{name}.protected: an environment called {name} is always protected; remove the line"
        )


@pytest.mark.parametrize(
    ("environ", "flags", "place"),
    [
        ({"MIGRATION_MANAGER_PROTECTED": "false"}, {}, "variable MIGRATION_MANAGER_PROTECTED"),
        ({}, {"protected": False}, "flag --protected"),
    ],
)
@pytest.mark.parametrize("name", ["production", "live"])
def test_no_variable_and_no_flag_switches_protection_off(
    project: Project, name: str, environ: dict[str, str], flags: dict[str, Any], place: str
) -> None:
    project.write(f'[environments.{name}]\nurl = "postgresql://h"\nprotected = true')
    by = "its name" if name == "production" else f"{FILE}: environments.live.protected"
    assert project.problem(environ, environment=name, **flags) == f"{place}: {name} is protected by {by}; that stays so"


def test_a_variable_in_the_file_does_not_switch_protection_off(project: Project) -> None:
    project.write('[environments.prod]\nurl = "postgresql://h"\nprotected = "${P}"')
    assert "prod is protected by its name" in project.problem({"P": "false"}, environment="prod")
    assert project.load({"P": "true"}, environment="prod").protected


def test_embedded_is_never_protected(project: Project) -> None:
    project.write('[environments.prod]\nurl = "embedded:"')
    assert project.problem(environment="prod") == (
        f"{FILE}: environments.prod.url: embedded: is not for a protected environment; give it a server's URL"
    )


# ------------------------------------------------------------------------------------------ migrate_url


def test_connects_past_the_pooler(project: Project) -> None:
    project.write(THREE)
    found = project.load({"PRODUCTION_DATABASE_URL": "postgresql://pool/app"}, environment="production")
    assert isinstance(found.connect_url, PostgresUrl)
    assert found.connect_url.parameters["host"] == "direct"
    assert host(found) == "pool"


@pytest.mark.parametrize(
    ("environ", "flags", "origin"),
    [
        ({}, {"url": "postgresql://given/app"}, "flag --url"),
        ({"MIGRATION_MANAGER_URL": "postgresql://given/app"}, {}, "variable MIGRATION_MANAGER_URL"),
    ],
)
def test_a_url_given_now_is_where_it_connects(
    project: Project, environ: dict[str, str], flags: dict[str, Any], origin: str
) -> None:
    project.write(THREE)
    found = project.load(environ, environment="production", **flags)
    assert found.connect_url == found.url
    assert host(found) == "given"
    row = project.origin("migrate_url", environ, environment="production", **flags)
    assert row == ("(not set)", f"not used beside {origin}")


def test_a_migrate_url_given_in_the_same_place_counts(project: Project) -> None:
    found = project.load(url="postgresql://a/x", migrate_url="postgresql://b/x")
    assert found.connect_url.shown() == "b/x"


def test_a_migrate_url_is_a_servers(project: Project) -> None:
    assert project.problem(url="postgresql://a/x", migrate_url="embedded:") == (
        "flag --migrate-url: must be a postgresql:// URL"
    )


# ---------------------------------------------------------------------------------------------- showing


def test_every_value_is_shown_with_its_origin(project: Project) -> None:
    project.write(THREE)
    project.write("MIGRATION_MANAGER_LOCK_WAIT=1h", ".env")
    environ = {
        "UAT_DATABASE_URL": f"postgresql://u:{CANARY}@h:5432/app",
        "MIGRATION_MANAGER_ROLE": "owner",
    }
    rows = project.examine(environ, environment="uat", require_rollback="true").origins
    assert [(row.key, row.value, row.origin) for row in rows] == [
        ("config", FILE, "found"),
        ("environment", "uat", "flag --env"),
        ("default_environment", "dev", "default"),
        ("environments", "dev, uat, production", FILE),
        ("migrations", "migrations", "default"),
        ("url", "h:5432/app", "variable UAT_DATABASE_URL"),
        ("migrate_url", "(not set)", "default"),
        ("protected", "false", "default"),
        ("scratch_url", "(not set)", "default"),
        ("role", "owner", "variable MIGRATION_MANAGER_ROLE"),
        ("history_schema", "(not set)", "default"),
        ("history_table", "schema_migrations", "default"),
        ("lock_timeout", "7s", FILE),
        ("lock_retries", "10", "default"),
        ("lock_retry_budget", "10min", "default"),
        ("lock_queue_limit", "0", "default"),
        ("show_queries", "true", "default"),
        ("statement_timeout", "0", "default"),
        ("lock_wait", "1h", ".env: MIGRATION_MANAGER_LOCK_WAIT"),
        ("out_of_order", "warn", "default"),
        ("require_rollback", "true", "flag --require-rollback"),
        ("server_version", "(not set)", "default"),
        ("schema_file", "(not set)", "default"),
        ("pg_bin", "(not set)", "default"),
    ]


def test_a_broken_url_still_shows_the_rest(project: Project) -> None:
    project.write(THREE)
    found = project.examine({"UAT_DATABASE_URL": f"postgresql://u:{CANARY}%@h"}, environment="uat")
    assert found.settings is None
    assert len(found.problems) == 1
    rows = {row.key: row.value for row in found.origins}
    assert (rows["url"], rows["lock_timeout"]) == ("***", "7s")
    assert CANARY not in repr(found)


def test_secrets_are_handed_to_the_redactor(project: Project) -> None:
    project.write('[environments.x]\nurl = "${A}"\nmigrate_url = "${B}"')
    found = project.load(
        {
            "A": "postgresql://u:first-secret@h?sslpassword=second-secret",
            "B": "postgresql://u:third-secret@h",
            "PGPASSWORD": "fourth-secret",
        },
        environment="x",
    )
    assert [secret.reveal() for secret in found.secrets] == [
        "first-secret",
        "second-secret",
        "fourth-secret",
        "third-secret",
    ]
    assert Redactor(found.secrets).clean("a third-secret b") == "a *** b"


def test_a_password_that_is_also_the_users_name_is_no_secret(project: Project) -> None:
    assert project.load(url="postgresql://postgres:postgres@h/app").secrets == ()
    assert project.load({"PGUSER": "app", "PGPASSWORD": "app"}, url="postgresql://h").secrets == ()


def test_no_secret_shows_in_settings_or_errors(project: Project) -> None:
    project.write(f'[environments.dev]\nurl = "postgresql://u:{CANARY}@h"\nmigrate_url = "postgresql://u:{CANARY}@g"')
    project.write(f"SECRET_URL=postgresql://u:{CANARY}@h", ".env")
    found = project.load({"PGPASSWORD": CANARY})
    assert CANARY not in repr(found) + str(found)
    with pytest.raises(ConfigError) as caught:
        project.load(
            {"DATABASE_URL": f"postgresql://u:{CANARY}@h"}, lock_timeout="x", url=f"postgresql://{CANARY}@{CANARY}@"
        )
    shown = "".join(traceback.format_exception(caught.value))
    assert CANARY not in shown.rpartition("ConfigError")[2] + repr(caught.value) + repr(caught.value.problems)


@pytest.mark.skipif(os.name != "posix", reason="file modes")
@pytest.mark.parametrize(
    ("url", "mode", "warned"),
    [
        (f"postgresql://u:{CANARY}@h", 0o644, True),
        (f"postgresql://h?password={CANARY}", 0o604, True),
        (f"postgresql://u:{CANARY}@h", 0o640, False),
        ("postgresql://u@h", 0o644, False),
        ("postgresql://u:${P}@h", 0o644, False),
        ("embedded:", 0o644, False),
    ],
)
def test_warns_of_a_password_everybody_can_read(project: Project, url: str, mode: int, warned: bool) -> None:
    project.write(f'environments.dev.url = "embedded:"\n[environments.uat]\nurl = "{url}"').chmod(mode)
    found = project.load().warnings
    assert [w.partition(": contains a password")[0] for w in found] == [f"{FILE}: environments.uat.url"] * warned
    assert CANARY not in repr(found)


# ---------------------------------------------------------------------------------------------- the rest


def test_the_text_for_init_is_a_configuration_without_problems(project: Project) -> None:
    project.write(DEFAULT_CONFIG)
    assert project.load().environments == ("dev", "uat", "production")
    environ = {"PRODUCTION_DATABASE_URL": "postgresql://h", "PRODUCTION_DIRECT_URL": "postgresql://g"}
    assert project.load(environ, environment="production").require_rollback


def test_the_text_for_init_shows_every_key_with_its_true_default(project: Project) -> None:
    commented = "\n".join(line.removeprefix("# ") if " = " in line else line for line in DEFAULT_CONFIG.split("\n"))
    project.write(commented)
    environ = {"PRODUCTION_DATABASE_URL": "postgresql://h", "PRODUCTION_DIRECT_URL": "postgresql://g"}
    assert project.load(environ, environment="production").connect_url.shown() == "g"
    keys = tomllib.loads(commented)["environments"]["production"].keys()
    assert keys == {row.key for row in project.examine().origins} - {
        "config",
        "environment",
        "environments",
        "default_environment",
        "migrations",
        "scratch_url",
    }


def test_reads_the_process_only_where_asked_to(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MIGRATION_MANAGER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MIGRATION_MANAGER_ROLE", "owner")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.chdir(project.root)
    assert load_from_process({}).role == "owner"
    assert load_from_process({}).root == project.root


@pytest.mark.skipif(os.name != "posix", reason="a folder in use cannot be removed")
def test_a_current_folder_that_is_gone_is_said(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = project.root / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ConfigError, match="the current folder does not exist any more"):
        load_from_process({})


def run_python(code: str, cwd: Path) -> str:
    environ = {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": os.environ["PATH"]}
    return subprocess.check_output([sys.executable, "-c", code], text=True, cwd=cwd, env=environ).strip()


def test_a_run_without_files_imports_no_parser(project: Project) -> None:
    code = (
        "import sys; from migration_manager.config import load_from_process; load_from_process({});"
        "print(sorted({'dotenv', 'tomllib', 'psycopg', 'sqlite3', 'rich', 'typer'} & set(sys.modules)))"
    )
    assert run_python(code, project.root) == "[]"


def test_looking_writes_nothing(project: Project) -> None:
    project.write(THREE)
    before = sorted(project.root.rglob("*"))
    assert project.examine().settings
    assert sorted(project.root.rglob("*")) == before
