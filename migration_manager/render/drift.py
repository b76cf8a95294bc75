"""What a database differs in from its migrations: as lines, as a document."""

from __future__ import annotations

from migration_manager.drifting import DriftReport, in_words
from migration_manager.render.documents import Document, identity
from migration_manager.render.screen import LOOK, Screen, folded
from migration_manager.render.text import identity_line
from migration_manager.render.words import counted

_ROOM = 78  # columns beside the margin, the same where it is piped


def show_drift(screen: Screen, report: DriftReport) -> None:
    """Show every difference, and how many there are."""
    screen.result(*identity_line(report.environment, report.identity))
    screen.result(f"compared with {counted(report.count, 'migration')} on {report.scratch}")
    screen.result("")
    for line in (line for one in report.differences for line in in_words(one).split("\n")):
        for piece in folded(line, _ROOM):
            screen.result("  ", (piece, LOOK))
    if report.differences:
        screen.result("")
    found = counted(len(report.differences), "difference")
    ignored = f", {report.ignored} ignored" if report.ignored else ""
    screen.result(
        f"{found}{ignored}." if report.differences else f"no drift: the database is what its migrations make{ignored}."
    )


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
                "message": in_words(one),
                "changes": [
                    {"property": name, "expected": expected, "found": found} for name, expected, found in one.changes
                ],
            }
            for one in report.differences
        ],
        "ignored": report.ignored,
        "notes": list(report.notes),
    }
