"""Proofs as lines on a screen, as a document, and as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from migration_manager.model import Finding
from migration_manager.proof import Proof, Verdict
from migration_manager.render.documents import Document
from migration_manager.render.findings import finding_document, paragraph
from migration_manager.render.markdown import code, escaped
from migration_manager.render.screen import BAD, DIM, GOOD, NAME, Screen
from migration_manager.render.words import counted, duration

_WIDTH = max(len(verdict.value) for verdict in Verdict)
_QUIET = (Verdict.RESTORED, Verdict.IRREVERSIBLE)
_MARGIN = " " * 6
_MOST = 20  # findings of one migration that are told one by one, unless all are wanted


def show_proof(screen: Screen, proof: Proof) -> None:
    """Show the verdict on one migration, and below it what a person should look at."""
    accepted = bool(proof.findings) and not proof.open_findings
    style = GOOD if proof.verdict is Verdict.RESTORED else DIM if accepted or proof.verdict in _QUIET else BAD
    screen.result("  ", (proof.verdict.value.ljust(_WIDTH), style), "  ", (proof.name, NAME))
    if accepted and not screen.verbose:
        for reason in dict.fromkeys(finding.accepted for finding in proof.findings):
            paragraph(screen, "accepted: ", reason or "", _MARGIN)
    shown = proof.findings if screen.verbose else proof.open_findings
    for finding in shown if screen.verbose else shown[:_MOST]:
        _show_finding(screen, finding)
    if len(shown) > _MOST and not screen.verbose:
        screen.result(f"{_MARGIN}and {len(shown) - _MOST} more; --verbose shows them all")
    for advice in dict.fromkeys(finding.advice for finding in proof.open_findings):
        if advice is not None:
            paragraph(screen, "advice: ", advice, _MARGIN)
    for note in proof.notes:
        paragraph(screen, "note: ", note, _MARGIN)


def _show_finding(screen: Screen, finding: Finding) -> None:
    place = f"{finding.path}:{finding.line}:{finding.column}: " if finding.line else ""
    paragraph(screen, "", f"{place}{finding.message}", _MARGIN)
    if finding.accepted is not None:
        paragraph(screen, "accepted: ", finding.accepted, _MARGIN)


def show_proofs(screen: Screen, proofs: Sequence[Proof], *, untried: int, nothing: str) -> None:
    """Show what all verdicts come to; `nothing` is the sentence for none."""
    if not proofs:
        screen.result(nothing)
        return
    screen.result("")
    seconds = sum(proof.seconds for proof in proofs)
    each = duration(round(seconds * 1000 / len(proofs)))
    screen.result(f"{summary(proofs, untried=untried)}   {duration(round(seconds * 1000))} ({each} each)")


def summary(proofs: Sequence[Proof], *, untried: int) -> str:
    """Return how many there are of each verdict, as a sentence; `untried` is how many could not be tried."""
    counts = {verdict: sum(proof.verdict is verdict for proof in proofs) for verdict in Verdict}
    told = ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items() if count)
    accepted = sum(1 for proof in proofs if proof.findings and not proof.open_findings)
    more = (f"; {accepted} of them accepted" if accepted else "") + (f"; {untried} not tried" if untried else "")
    return f"{counted(len(proofs), 'migration')}: {told}{more}."


def proofs_document(
    proofs: Sequence[Proof], *, environment: str, scratch: str | None, untried: Sequence[str]
) -> Document:
    """Return all verdicts as a document."""
    return {
        "environment": environment,
        "scratch": scratch,
        "migrations": [
            {
                "name": proof.name,
                "verdict": proof.verdict.value,
                "is_proven": not proof.open_findings,
                "findings": [finding_document(finding) for finding in proof.findings],
                "notes": list(proof.notes),
                "took_ms": round(proof.seconds * 1000),
            }
            for proof in proofs
        ],
        "not_tried": list(untried),
        "findings": sum(len(proof.open_findings) for proof in proofs),
    }


def as_markdown(proofs: Sequence[Proof], *, scratch: str | None, untried: Sequence[str]) -> str:
    """Return all verdicts as Markdown, the findings first: a comment on a pull request."""
    wrong = [proof for proof in proofs if proof.open_findings]
    right = [proof for proof in proofs if not proof.open_findings]
    head = f"{len(wrong)} of {counted(len(proofs), 'rollback')} not proven" if wrong else "All rollbacks proven"
    lines = [f"### {'❌' if wrong else '✅'} {head if proofs else 'Nothing to prove'}", ""]
    if wrong:
        lines += ["| migration | verdict | what a person should look at |", "|---|---|---|"]
        lines += [f"| {code(proof.name)} | {proof.verdict.value} | {_cell(proof)} |" for proof in wrong]
        lines.append("")
    if right:
        lines += ["<details>", f"<summary>{counted(len(right), 'migration')} without an open finding</summary>", ""]
        lines += ["| migration | verdict | |", "|---|---|---|"]
        lines += [f"| {code(proof.name)} | {proof.verdict.value} | {_accepted(proof)} |" for proof in right]
        lines += ["", "</details>", ""]
    if untried:
        lines += [f"Not tried, because of what failed: {', '.join(map(code, untried))}", ""]
    if proofs:
        lines.append(f"{summary(proofs, untried=len(untried))} Tried on {scratch}.")
    return "\n".join(lines).rstrip()


def _cell(proof: Proof) -> str:
    told = [escaped(finding.message) for finding in proof.open_findings[:_MOST]]
    if len(proof.open_findings) > _MOST:
        told.append(f"and {len(proof.open_findings) - _MOST} more")
    return "<br>".join(told)


def _accepted(proof: Proof) -> str:
    reasons = dict.fromkeys(finding.accepted for finding in proof.findings if finding.accepted)
    return "<br>".join(f"accepted: {escaped(reason)}" for reason in reasons)
