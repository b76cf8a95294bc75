"""What a database differs in from its migrations: as lines, as a document."""

from __future__ import annotations

from collections.abc import Iterable

from migration_manager.catalog import Difference
from migration_manager.drifting import EXTRA, MISSING, DriftReport
from migration_manager.render.documents import Document, identity
from migration_manager.render.screen import LOOK, Screen
from migration_manager.render.text import identity_line
from migration_manager.render.words import counted


def show_drift(screen: Screen, report: DriftReport) -> None:
    """Show every difference, and how many there are."""
    screen.result(*identity_line(report.environment, report.identity))
    screen.result(f"compared with {counted(report.count, 'migration')} on {report.scratch}")
    screen.result("")
    for line in lines(report.differences):
        screen.result("  ", (line, LOOK))
    if report.differences:
        screen.result("")
    found = counted(len(report.differences), "difference")
    ignored = f", {report.ignored} ignored" if report.ignored else ""
    screen.result(
        f"{found}{ignored}." if report.differences else f"no drift: the database is what its migrations make{ignored}."
    )


def lines(differences: Iterable[Difference]) -> list[str]:
    """Return the differences as lines; the first of each is not indented."""
    return [line for one in differences for line in one.in_words(missing=MISSING, extra=EXTRA).split("\n")]


def drift_document(report: DriftReport) -> Document:
    """Return the same as a document; `expected` is what the migrations make."""
    return {
        "environment": report.environment,
        "identity": identity(report.identity),
        "scratch": report.scratch,
        "migrations": report.count,
        "differences": [
            {
                "subject": one.subject,
                "kind": one.item.kind,
                "name": one.item.name,
                "of": one.item.of,
                "how": one.how.value,
                "message": one.in_words(missing=MISSING, extra=EXTRA),
                "changes": [
                    {"property": name, "expected": expected, "found": found} for name, expected, found in one.changes
                ],
            }
            for one in report.differences
        ],
        "ignored": report.ignored,
        "notes": list(report.notes),
    }
