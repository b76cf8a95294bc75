"""The arrows between modules, and who may touch the world: read from the source, so a slip shows at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "migration_manager"
NAME = PACKAGE.name

# Lower layers first; a module imports its own layer and lower ones. Packages count as one room.
LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"", "catalog", "model", "rows", "durations", "runs", "interrupts", "retrying"}),
    frozenset({"errors", "secret", "blocking"}),
    frozenset({"locate", "sqltext", "redact", "names", "urls", "textfile", "outfile", "rules"}),
    frozenset(
        {
            "plan",
            "proof",
            "rehearsal",
            "aftermath",
            "directives",
            "script",
            "messages",
            "resuming",
            "configfile",
            "dumptext",
            "savedplan",
            "filerules",
            "since",
        }
    ),
    frozenset({"files", "config", "embedded", "clients", "squawk"}),
    frozenset({"scaffold", "prepare", "engines", "linting", "schemadump"}),
    frozenset({"runner", "scratch", "proving", "rehearsing", "drifting", "render"}),
    frozenset({"cli"}),
    frozenset({"__main__"}),
)
ROOMS = {room: number for number, layer in enumerate(LAYERS) for room in layer}

# What touches the world, and the only places that may.
GUARDED = {
    "typer": {"cli"},
    "rich": {"render"},
    "psycopg": {"engines", "embedded"},
    "sqlite3": {"engines"},
    "subprocess": {"embedded", "clients", "since", "squawk"},
    "msgspec": {"config", "configfile", "savedplan"},
    "dotenv": {"config", "configfile"},
    "tomllib": {"config", "configfile"},
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path.name}: relative import"
            if node.module == NAME:
                yield from (f"{NAME}.{alias.name}" for alias in node.names)
            else:
                yield node.module


def test_every_room_has_a_layer() -> None:
    assert {room_of(path) for path in modules()} == set(ROOMS)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_point_down(path: Path) -> None:
    here = ROOMS[room_of(path)]
    for name in imported(path):
        if name.startswith(NAME + "."):
            room = name.split(".")[1]
            target = ROOMS[room if room in ROOMS else ""]
            assert target <= here, f"{path.name} imports {name}, which is above it"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_world_is_touched_in_few_places(path: Path) -> None:
    for name in imported(path):
        allowed = GUARDED.get(name.split(".")[0])
        assert allowed is None or room_of(path) in allowed, f"{path.name} imports {name}"


@pytest.mark.parametrize(
    "room",
    [
        "plan",
        "catalog",
        "rows",
        "proof",
        "rehearsal",
        "aftermath",
        "retrying",
        "blocking",
        "model",
        "errors",
        "locate",
        "sqltext",
        "directives",
        "script",
        "messages",
        "resuming",
        "names",
        "dumptext",
        "savedplan",
        "rules",
        "filerules",
    ],
)
def test_what_decides_does_no_input_or_output(room: str) -> None:
    worldly = {"os", "sys", "socket", "subprocess", "shutil", "tempfile", "time", "io"}
    files = [path for path in modules() if room_of(path) == room]
    assert files
    assert not worldly & {name.split(".")[0] for path in files for name in imported(path)}


def test_the_planner_knows_no_database() -> None:
    text = (PACKAGE / "plan.py").read_text(encoding="utf-8").lower()
    assert not {"postgres", "sqlite", "psycopg", "select "} & set(text.split())


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_command_line_prints_and_exits(path: Path) -> None:
    if room_of(path) == "cli":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in {"print", "exit", "sys.exit", "os._exit"}, f"{path}:{node.lineno}"


def test_no_duration_comes_from_a_clock_that_may_be_set() -> None:
    """Moments are told by the clock of the wall, and nothing is measured with it but how old something is."""
    asking = {"datetime.now", "time.time", "datetime.utcnow"}
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in asking
    }
    assert found <= {
        "cli/changing.py", "cli/making.py", "embedded/wheel.py", "engines/sqlite.py",
        "engines/sqlite_outside.py", "engines/sqlite_lock.py", "files.py",
        "render/words.py",
    }  # fmt: skip
