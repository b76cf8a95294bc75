"""Findings as lines on a screen, as a JSON document, and as the annotations that GitHub shows beside a change."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from migration_manager.model import Finding
from migration_manager.render.documents import Document
from migration_manager.render.screen import DIM, LOOK, NAME, Screen, folded
from migration_manager.render.words import counted

if TYPE_CHECKING:
    from migration_manager.linting import LintReport

_COLUMNS: Final = 80  # also where nobody looks: what is piped is the same everywhere
_MARGIN: Final = "    "


def show_findings(screen: Screen, report: LintReport) -> None:
    """Show what was found, file by file, and how much; what is accepted in full only where everything is asked for."""
    path, advised = None, set[str]()
    for finding in report.findings if screen.verbose else report.open:
        if path is not None and path != finding.path:
            screen.result("")
        if path != finding.path:
            path, advised = finding.path, set()
        _show(screen, finding, advised)
    if path is not None:
        screen.result("")
    screen.result(summary(report))


def summary(report: LintReport) -> str:
    """Return the counts as a sentence."""
    parts = [counted(report.files, "file"), counted(len(report.open), "finding")]
    accepted = len(report.findings) - len(report.open)
    return ", ".join([*parts, f"{accepted:,} accepted"] if accepted else parts) + "."


def _show(screen: Screen, finding: Finding, advised: set[str]) -> None:
    """Show one finding; what was advised in this file before is not said again."""
    rule = (finding.rule, LOOK if finding.accepted is None else DIM)
    place = _place(finding)
    if len(place) + len(finding.rule) + 2 <= _COLUMNS:
        screen.result((place, NAME), "  ", rule)
    else:
        screen.result((place, NAME))
        screen.result(_MARGIN, rule)
    paragraph(screen, "", finding.message)
    if finding.accepted is not None:
        paragraph(screen, "accepted: ", finding.accepted)
    elif finding.advice is not None and finding.advice not in advised:
        advised.add(finding.advice)
        paragraph(screen, "advice: ", finding.advice)


def paragraph(screen: Screen, label: str, text: str, margin: str = _MARGIN) -> None:
    """Write a labelled text in lines that fit, the label once; its own line breaks and margins stay."""
    room = _COLUMNS - len(margin) - len(label)
    lines = [piece for line in text.split("\n") for piece in folded(line, room)]
    for number, line in enumerate(lines):
        screen.result(margin, (label if number == 0 else " " * len(label), DIM), line)


def _place(finding: Finding) -> str:
    return ":".join(str(part) for part in (finding.path, finding.line, finding.column) if part is not None)


def findings_document(report: LintReport) -> Document:
    """Return everything that was found, what is accepted too; `advice` says what to do instead."""
    return {
        "environment": report.environment,
        "files": report.files,
        "squawk": report.squawk,
        "counts": {"findings": len(report.open), "accepted": len(report.findings) - len(report.open)},
        "findings": [finding_document(finding) for finding in report.findings],
        "notes": list(report.notes),
    }


def finding_document(finding: Finding) -> Document:
    """Return one finding as a document."""
    return {
        "rule": finding.rule,
        "message": finding.message,
        "path": finding.path,
        "line": finding.line,
        "column": finding.column,
        "subject": finding.subject,
        "advice": finding.advice,
        "accepted": finding.accepted,
    }


def show_annotations(screen: Screen, report: LintReport, path_of: Callable[[str], str]) -> None:
    """Write a workflow command of GitHub's for each finding that nobody has accepted, and the counts.

    `path_of` returns a file's path as GitHub knows it: from the root of the repository.
    """
    for finding in report.open:
        screen.data(_annotation(finding, path_of(finding.path), screen.clean))
    screen.result(summary(report))


def _annotation(finding: Finding, path: str, clean: Callable[[str], str]) -> str:
    places = {"file": path, "line": finding.line, "col": finding.column, "title": finding.rule}
    properties = ",".join(f"{key}={_in_property(str(value))}" for key, value in places.items() if value is not None)
    text = finding.message + (f"\nadvice: {finding.advice}" if finding.advice else "")
    return f"::warning {properties}::{_in_message(clean(text))}"


def _in_message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _in_property(text: str) -> str:
    return _in_message(text).replace(":", "%3A").replace(",", "%2C")
