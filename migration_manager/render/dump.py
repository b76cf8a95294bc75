"""What became of a schema's file, as lines and as a document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from migration_manager.model import State
from migration_manager.render.documents import Document
from migration_manager.render.screen import BAD, DIM, GOOD, LOOK, NAME, Screen

if TYPE_CHECKING:
    from migration_manager.schemadump import SchemaText


def document(
    environment: str, found: SchemaText, path: str | None, difference: Sequence[str], *, written: bool
) -> Document:
    """Return the document of `dump`; `file` is null and `schema` has the text where it went to standard output."""
    return {
        "environment": environment,
        "file": path,
        "same": None if path is None else not difference,
        "written": written,
        "diff": "\n".join(difference) if difference else None,
        "applied": [row.name for row in found.recorded.applied if row.state is State.APPLIED],
        "warnings": list(found.warnings),
    }


def show_written(screen: Screen, path: str, *, changed: bool) -> None:
    """Say whether the file had to be written."""
    screen.result((path, NAME), ("  written", GOOD) if changed else "  is the schema as it is; not written")


def show_difference(screen: Screen, path: str, lines: Sequence[str], again: str) -> None:
    """Show how the file differs from the schema, and the command that writes it anew."""
    for line in lines:
        style = {"+": GOOD, "-": BAD, "@": LOOK}.get(line[:1], DIM)
        screen.result((line, style))
    screen.result("")
    screen.result((path, NAME), (" is not the schema of the database.", BAD))
    screen.result("Next: ", (again, NAME))
