"""README.md tells the truth: its commands run, and its tables are what the code has."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from migration_manager.cli.app import app
from migration_manager.config.keys import KEYS_OF_ENVIRONMENT, KEYS_OF_FILE, VARIABLES
from migration_manager.errors import DirectiveError, Exit
from migration_manager.model import Dialect
from tests.fixtures.cli import REPOSITORY, SECONDS, Outcome, call, plain_environment
from tests.fixtures.files import parsed
from tests.fixtures.postgres import Database, need_embedded

README = (REPOSITORY / "README.md").read_text("utf-8")

# What a test cannot run, and why.
NOT_RUN = {
    "./scripts/test.sh": "that is what runs this test",
    "pip install 'migration-manager[embedded]'": "needs a package index and the published package",
}


def console_lines() -> list[str]:
    """Return every command of README's console blocks, in order."""
    blocks = re.findall(r"^```console\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def section(heading: str) -> str:
    """Return the text below a heading."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, f"README has no section {heading}"
    return found[1]


def commands_in(heading: str) -> list[str]:
    return [line[2:] for line in section(heading).splitlines() if line.startswith("$ ")]


def rows(head: str) -> list[list[str]]:
    """Return the cells of the table whose first column is called that."""
    found = re.search(rf"^\| {re.escape(head)} \|.*\n\|[-| ]+\n((?:\|.*\n)+)", README, re.MULTILINE)
    assert found, f"README has no table of {head}"
    return [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in found[1].splitlines()]


def table(head: str) -> list[tuple[str, str]]:
    """Return the first and the last column of that table."""
    return [(row[0], row[-1]) for row in rows(head)]


def spans(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def all_commands() -> dict[str, list[str]]:
    """Return every command with the options it takes; the words of a `db` command with a blank between them."""
    root = typer.main.get_command(app)
    found: dict[str, list[str]] = {}
    for name, each in root.commands.items():  # type: ignore[attr-defined]
        inner = getattr(each, "commands", {})
        for words, command in {f"{name} {second}": c for second, c in inner.items()}.items() or {name: each}.items():
            found[words] = [option for parameter in command.params for option in parameter.opts]
    return found


# ------------------------------------------------------------------------------------- the commands


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a scratch copy of what a clone has."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("migrations", "scripts"):
        shutil.copytree(REPOSITORY / name, folder / name)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(REPOSITORY / name, folder / name)
    return folder


class Reader:
    """Somebody who types what README says, in a scratch copy and on a database of a test's."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = {**plain_environment(), **environment}

    def type(self, line: str) -> Outcome:
        program, *words = shlex.split(line)
        assert program == "migration-manager", line
        return call(words, folder=self.folder, environment=self.environment)


def test_every_command_of_readme_is_run_here_or_says_why_not() -> None:
    headings = [
        "Daily use", "In an incident", "Production", "When others hold the table", "Before it is merged",
        "Drift", "Your own project",
    ]  # fmt: skip
    run = {line for heading in headings for line in commands_in(heading)} | {"./scripts/dev.sh migrate"}
    assert set(console_lines()) == (run | NOT_RUN.keys())
    assert commands_in("Two commands") == ["./scripts/dev.sh migrate", "./scripts/test.sh"]


@pytest.mark.postgres
def test_the_commands_of_daily_use_and_of_an_incident_run(copy: Path, database: Database) -> None:
    reader = Reader(copy, {"MIGRATION_MANAGER_URL": database.url})
    assert reader.type("migration-manager migrate").code == 0
    shown = {}
    for line in commands_in("Daily use"):
        outcome = reader.type(line)
        assert outcome.code == 0, f"{line}\n{outcome.text}"
        shown[line] = outcome.out
        if " create " in line:  # "put the change into the first and its exact opposite into the second"
            back, forward = sorted(copy.glob("migrations/*_add_task_notes*.sql"), key=lambda path: len(path.name))[::-1]
            forward.write_text("ALTER TABLE tasks ADD COLUMN notes text;\n")
            back.write_text("ALTER TABLE tasks DROP COLUMN notes;\n")
    assert "1 pending" in shown["migration-manager status"]
    assert "ADD COLUMN notes" in shown["migration-manager migrate --dry-run"]
    assert "1 applied" in shown["migration-manager migrate"]
    assert "add_task_notes" in shown["migration-manager rollback"]
    for line in commands_in("In an incident"):
        outcome = reader.type(line)
        assert outcome.code == 0, f"{line}\n{outcome.text}"
    assert "20241227_101500_add_user_preferences" in outcome.out


@pytest.mark.postgres
def test_the_commands_of_production_run_and_ask_first(copy: Path, database: Database) -> None:
    reader = Reader(copy, {"PRODUCTION_DATABASE_URL": database.url})
    asks, confirms, saves, carries_out = commands_in("Production")
    refused = reader.type(asks)
    assert refused.code == 6, "there is no terminal here"
    assert reader.type(saves).code == 0
    for line, said in ((carries_out, " applied in "), (confirms, "nothing to do")):
        assert line.endswith("--yes --confirm app")
        outcome = reader.type(line.removesuffix("app") + database.name)
        assert outcome.code == 0, outcome.text
        assert said in outcome.out


@pytest.mark.postgres
def test_the_commands_about_blockers_run(copy: Path, database: Database) -> None:
    reader = Reader(copy, {"PRODUCTION_DATABASE_URL": database.url})
    looks, ends = commands_in("When others hold the table")
    outcome = reader.type(looks)
    assert outcome.code == 0, outcome.text
    outcome = reader.type(ends)
    assert outcome.code == 2, "there is no such session"
    assert "pid 4711 is not among those that are shown" in outcome.err


def test_the_output_of_prove_is_what_readme_shows(tmp_path: Path) -> None:
    need_embedded()
    folder = tmp_path / "migrations"
    folder.mkdir()
    columns = "name text, email text CONSTRAINT users_email_key UNIQUE, remark text"
    for name, text in {
        "20250101_100000_create_users": f"CREATE TABLE users (id bigint PRIMARY KEY, {columns});",
        "20250101_100000_create_users_rollback": "DROP TABLE users;",
        "20250102_110000_drop_email": "ALTER TABLE users DROP COLUMN email;",
        "20250102_110000_drop_email_rollback": "ALTER TABLE users ADD COLUMN email text;",
    }.items():
        (folder / f"{name}.sql").write_text(f"{text}\n")
    outcome = Reader(tmp_path, {}).type("migration-manager prove")
    assert outcome.code == 4
    shown = re.search(r"^```\n(  restored .*?)^```", section("Before it is merged"), re.MULTILINE | re.DOTALL)
    assert shown
    quoted = shown[1]
    assert quoted in outcome.out


@pytest.mark.postgres
def test_the_commands_about_drift_run(copy: Path, database: Database) -> None:
    need_embedded()
    reader = Reader(copy, {"UAT_DATABASE_URL": database.url})
    compares, verifies = commands_in("Drift")
    assert reader.type("migration-manager migrate --env uat").code == 0
    outcome = reader.type(compares)
    assert outcome.code == 0, outcome.text
    assert "no drift" in outcome.out
    with database.connect() as connection:
        connection.execute("DELETE FROM schema_migrations")
    outcome = reader.type(verifies)
    assert outcome.code == 0, outcome.text
    assert "11 recorded" in outcome.out


def test_the_commands_before_a_merge_run(copy: Path) -> None:
    reader = Reader(copy, {})
    proves, proves_of_branch, everything, of_branch = commands_in("Before it is merged")
    who = {f"GIT_{part}_{what}": "a@example.org" for part in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for line in ("init -q", "add -A", "commit -q -m all", "update-ref refs/remotes/origin/main HEAD"):
        subprocess.run(["git", *line.split()], cwd=copy, env={**plain_environment(), **who}, check=True)
    outcome = reader.type(everything)
    assert outcome.code == 0, outcome.text
    need_embedded()
    outcome = reader.type(proves)
    assert outcome.code == 0, outcome.text
    assert "11 migrations: 11 restored." in outcome.out
    outcome = reader.type(proves_of_branch)
    assert (outcome.code, outcome.out.splitlines()[0]) == (0, "### ✅ Nothing to prove")
    (copy / "migrations" / "20250104_110000_rename_body.sql").write_text(
        "-- migrate: irreversible because that is enough\n\n\n\nALTER TABLE messages RENAME COLUMN body TO content;\n"
    )
    outcome = reader.type(of_branch)
    assert outcome.code == 4, "a finding of the branch"
    quoted = re.search(
        r"^```\n(migrations/20250104_110000_rename_body.*?\n)\n22 files", README, re.MULTILINE | re.DOTALL
    )
    assert quoted
    assert quoted[1] in outcome.out
    assert reader.type(everything).code == 4


def test_the_commands_of_your_own_project_run(tmp_path: Path) -> None:
    reader = Reader(tmp_path, {})
    for line in commands_in("Your own project"):
        if line not in NOT_RUN:
            assert reader.type(line).code == 0


@pytest.fixture
def without_venv(copy: Path) -> Iterator[Path]:
    """Yield the copy with a set-up that takes this interpreter instead of making `.venv`."""
    import sys

    from migration_manager import embedded

    need_embedded()
    (copy / "scripts" / "_venv.sh").write_text(
        f"repo_root={shlex.quote(str(copy))}\nvenv_python={shlex.quote(sys.executable)}\nneed_venv() {{ :; }}\n"
    )
    yield copy
    embedded.destroy(copy / ".migration_manager" / "dev", force=True)


def dev(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "scripts/dev.sh", *words],
        cwd=folder,
        env=plain_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=3 * SECONDS,
        check=False,
    )


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.e2e
def test_the_first_command_and_the_others_of_dev_sh_run_on_the_embedded_server(without_venv: Path) -> None:
    first = dev(without_venv, "migrate")
    assert first.returncode == 0, first.stderr
    count = len(list(without_venv.glob("migrations/*_rollback.sql")))
    assert f"{count} applied" in first.stdout
    assert (without_venv / ".migration_manager" / "dev").is_dir()
    second = dev(without_venv, "migrate")
    assert "nothing to do: everything is applied." in second.stdout
    status = dev(without_venv, "migrate-status")
    assert (status.returncode, "nothing pending" in status.stdout) == (0, True), status.stderr
    rolled_back = dev(without_venv, "rollback", "20241227_101500_add_user_preferences")
    assert rolled_back.returncode == 0, rolled_back.stderr
    made = dev(without_venv, "migrate-create", "Add user preferences table")
    assert made.returncode == 0, made.stderr
    assert len(list(without_venv.glob("migrations/*_add_user_preferences_table*.sql"))) == 2
    assert dev(without_venv, "reset-db").returncode == 0
    for path in without_venv.glob("migrations/*_add_user_preferences_table*.sql"):
        path.unlink()
    assert f"{count} applied" in dev(without_venv, "migrate").stdout


def test_dev_sh_teaches_and_refuses(copy: Path) -> None:
    assert "migrate-create" in dev(copy, "help").stdout
    for words in ([], ["nonsense"], ["rollback"], ["migrate-create"]):
        assert dev(copy, *words).returncode == (2 if words else 0)


def test_scripts_that_readme_names_are_there_and_can_be_run() -> None:
    for name in set(re.findall(r"\./(scripts/\w+\.sh)", README)):
        assert (REPOSITORY / name).stat().st_mode & 0o111, name


def test_what_readme_links_to_in_this_repository_is_there() -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", README):
        assert (REPOSITORY / target).exists(), target


# ---------------------------------------------------------------------------------------- the tables


def test_the_table_of_commands_has_every_command_and_alias_and_nothing_else() -> None:
    named: set[str] = set()
    for cell, _ in table("command"):
        first, *others = spans(cell)
        named.add(first)
        prefix = "db " if first.startswith("db ") else ""
        named |= {prefix + other for other in others}
    mentioned_beside = {word for word in spans("".join(last for _, last in table("command"))) if word in all_commands()}
    assert named | mentioned_beside == set(all_commands())


def test_the_options_in_the_table_of_commands_belong_to_them() -> None:
    for cell, does in table("command"):
        options = all_commands()[spans(cell)[0]]
        for option in re.findall(r"--[a-z-]+", does):
            assert option in options, f"{cell} has no {option}"


def test_every_option_readme_names_exists() -> None:
    known = {option for options in all_commands().values() for option in options}
    known |= {"--help", "--version", "--install-completion", "--show-completion"}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", README)) <= known


def test_every_command_line_readme_names_exists() -> None:
    for line in re.findall(
        r"migration-manager (?!-)([a-z]+(?: [a-z]+)?)", " ".join([*console_lines(), *spans(README)])
    ):
        first, *second = line.split()
        assert first in all_commands() or f"{first} {' '.join(second)}" in all_commands(), line


def test_the_shared_options_readme_names_are_on_every_command() -> None:
    sentence = next(line for line in README.split("\n\n") if line.startswith("Every command takes"))
    for option in re.findall(r"--[a-z-]+", sentence.split("and explains")[0]):
        for command, options in all_commands().items():
            assert option in options, f"{command} {option}"


def test_the_table_of_exit_codes_is_the_code() -> None:
    assert [int(code) for code, _ in table("exit code")] == sorted(int(code) for code in Exit)
    for code, means in table("exit code"):
        words = means.split("(")[0].split(":")[0].split(",")[0].strip().lower()
        assert re.search(rf"^ +{code} +{re.escape(words)}", help_text(), re.MULTILINE | re.IGNORECASE), (code, words)


def help_text() -> str:
    return call(["--help"], folder=REPOSITORY, environment=plain_environment()).out


def test_the_table_of_rollback_selections_is_what_rollback_takes() -> None:
    named = {option for cell, _ in table("option") for option in re.findall(r"--[a-z-]+", cell)}
    others = {"--name", "--cascade"}
    assert named | others == {"--steps", "--to", "--last-run", "--run", "--all", *others}
    assert named | others <= set(all_commands()["rollback"])


def test_the_table_of_keys_has_every_key_and_its_default() -> None:
    keys = rows("key of an environment")
    assert sorted(name for cell, *_ in keys for name in spans(cell)) == sorted(KEYS_OF_ENVIRONMENT)
    for cell, default, _ in keys:
        for name in spans(cell):
            expected = KEYS_OF_ENVIRONMENT[name].default
            if expected is not None and name != "protected":
                assert f"`{expected}`" in default or expected in default, name


def test_the_example_of_a_configuration_is_understood(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", section("Configuration"), re.DOTALL)
    assert example
    (tmp_path / "migration_manager.toml").write_text(example[1])
    (tmp_path / "migrations").mkdir()
    url = "postgresql://me@127.0.0.1:1/app"
    environment = {"UAT_DATABASE_URL": url, "PRODUCTION_DATABASE_URL": url, "PRODUCTION_DIRECT_URL": url}
    given = tomllib.loads(example[1])
    assert set(given) == {*KEYS_OF_FILE, "environments"}
    for name in given["environments"]:
        outcome = Reader(tmp_path, environment).type(f"migration-manager config --env {name}")
        assert outcome.code == 0, outcome.text


def test_every_variable_readme_names_exists() -> None:
    assert set(re.findall(r"MIGRATION_MANAGER_[A-Z_]+", README)) <= set(VARIABLES)


def test_the_table_of_directives_is_what_a_header_may_say() -> None:
    with pytest.raises(DirectiveError) as refused:
        parsed("-- migrate: qqqqqq\nSELECT 1;\n", Dialect.POSTGRESQL)
    assert refused.value.hint
    known = set(re.findall(r"[a-z]+(?:-[a-z]+)*", refused.value.hint)) - {"known", "there", "are"}
    documented = {spans(cell)[0].removeprefix("-- migrate: ").split()[0] for cell, _ in table("directive")}
    assert documented == known


@pytest.mark.parametrize("cell", [cell for cell, _ in table("directive")])
def test_each_directive_of_readme_is_understood_as_it_stands_there(cell: str) -> None:
    (line,) = spans(cell)
    is_of_a_rollback_script = "nothing-to-undo" in line
    text = line.replace("…", "that is so") + ("\n" if is_of_a_rollback_script else "\nSELECT 1;\n")
    parsed(text, Dialect.POSTGRESQL, rollback=is_of_a_rollback_script)


def test_sentences_that_readme_quotes_are_said(tmp_path: Path) -> None:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "001_first.sql").write_text("CREATE TABLE a (id integer);\n")
    reader = Reader(tmp_path, {"MIGRATION_MANAGER_URL": f"sqlite:///{tmp_path}/app.db"})
    assert reader.type("migration-manager migrate").code == 0
    assert "nothing to do: everything is applied." in README
    assert "nothing to do: everything is applied." in reader.type("migration-manager migrate").out
    assert "@@" not in README, "a placeholder was left"
