"""Help that teaches: every command is listed, explains its options and has an example; aliases are the same."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest
import typer.main

from migration_manager.cli.app import app
from tests.fixtures.cli import Project

ALIASES = {
    "new": "create",
    "up": "migrate",
    "apply": "migrate",
    "down": "rollback",
    "validate": "verify",
    "stamp": "baseline",
}
COMMANDS = {"init", "create", "status", "migrate", "rollback", "history", "verify", "repair", "baseline", "forget",
            "resume", "rehearse",
            "blockers", "drift", "dump", "lint", "plan", "prove", "config", "db"}  # fmt: skip
OF_DATABASE = {"create", "drop", "reset", "wait", "start", "stop", "url"}
SHARED = {"--env", "--url", "--dir", "--config", "--json", "--quiet", "--verbose", "--no-color", "--help"}
ESCAPE = "\x1b"


def words(*, hidden: bool) -> list[list[str]]:
    """Return the words of every command there is."""
    found: list[list[str]] = []
    root = typer.main.get_command(app)
    for name, each in sorted(root.commands.items()):  # type: ignore[attr-defined]
        if each.hidden and not hidden:
            continue
        inner = getattr(each, "commands", None)
        found += [[name]] if inner is None else [[name, second] for second in sorted(inner)]
    return found


def test_these_are_the_commands() -> None:
    found = words(hidden=False)
    assert {first for first, *_ in found} == COMMANDS
    assert {second for first, *rest in found for second in rest} == OF_DATABASE


def test_these_are_the_aliases(sqlite_project: Project) -> None:
    assert {first for first, *_ in words(hidden=True)} - COMMANDS == ALIASES.keys()
    for alias, meant in ALIASES.items():
        said, wanted = (sqlite_project.ok(name, "--help").out for name in (alias, meant))
        assert said.replace(f" {alias} ", f" {meant} ", 1) == wanted


@pytest.mark.parametrize("typed", words(hidden=True), ids=" ".join)
def test_help_explains_the_command_and_has_an_example(sqlite_project: Project, typed: list[str]) -> None:
    shown = sqlite_project.ok(*typed, "--help")
    assert shown.err == ""
    assert ESCAPE not in shown.out
    assert [line for line in shown.out.splitlines() if len(line) > 80] == []
    assert not SHARED - set(re.findall(r"--[a-z-]+", shown.out))
    example = shown.out.partition("Example:")[2]
    real = [ALIASES.get(typed[0], typed[0]), *typed[1:]]
    assert re.search(rf"\bmigration-manager {' '.join(real)}\b", example), shown.out
    assert sqlite_project.ok(*typed, "-h").out == shown.out


@pytest.mark.parametrize("typed", words(hidden=False), ids=" ".join)
def test_every_option_has_a_word_of_help(typed: list[str]) -> None:
    found = typer.main.get_command(app)
    for word in typed:
        found = found.commands[word]  # type: ignore[attr-defined]
    assert found.help
    for parameter in found.params:
        assert getattr(parameter, "help", None), f"{' '.join(typed)} {parameter.name}"


@pytest.mark.parametrize("typed", words(hidden=False), ids=" ".join)
def test_every_example_is_understood(typed: list[str]) -> None:
    root = typer.main.get_command(app)
    found = root
    for word in typed:
        found = found.commands[word]  # type: ignore[attr-defined]
    assert found.epilog
    for line in re.findall(r"migration-manager ([^\n)]*)", found.epilog):
        arguments = shlex.split(line)
        inner = root
        while arguments and (step := getattr(inner, "commands", {}).get(arguments[0])):
            inner = step
            arguments = arguments[1:]
        inner.make_context("migration-manager", arguments, resilient_parsing=False)


def test_without_a_command_the_help_is_shown(sqlite_project: Project) -> None:
    assert "Commands:" in sqlite_project.run().text
    assert "Commands:" in sqlite_project.run("db").text


def test_the_version_is_one_line(sqlite_project: Project) -> None:
    assert re.fullmatch(r"migration-manager \S+\n", sqlite_project.ok("--version").out)


def test_an_unknown_command_is_named(sqlite_project: Project) -> None:
    outcome = sqlite_project.run("migrat")
    assert "migrat" in outcome.err
    assert outcome.out == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion_is_offered(sqlite_project: Project, shell: str) -> None:
    # Which shell calls is found out by looking at the parent process, which is none of a test's.
    by_name = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    shown = sqlite_project.ok("--show-completion", shell, env=by_name)
    assert "migration-manager" in shown.out


@pytest.mark.parametrize(
    "typed",
    [["--help"], ["migrate", "--help"], ["create", "--name", "x"], ["lint"], ["lint", "--url", "embedded:"]],
    ids=" ".join,
)
def test_what_needs_no_database_loads_no_driver_and_no_rich(sqlite_project: Project, typed: list[str]) -> None:
    probe = (
        "import sys\n"
        "from migration_manager.cli import main\n"
        "sys.argv[0] = 'migration-manager'\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert end.code == 0, end.code\n"
        "print([m for m in ('psycopg', 'sqlite3', 'rich') if m in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe, *typed],
        cwd=sqlite_project.root,
        env=sqlite_project.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.splitlines()[-1] == "[]"
