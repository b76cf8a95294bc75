"""Rehearsals as lines on a screen, as a document, and as Markdown for a pull request."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

from migration_manager.model import Finding
from migration_manager.proof import Proof
from migration_manager.proof import Verdict as Proven
from migration_manager.rehearsal import Judged, Lock, Mode, Observed, Rehearsal, Verdict
from migration_manager.render.documents import Document
from migration_manager.render.findings import finding_document
from migration_manager.render.markdown import code, escaped
from migration_manager.render.screen import BAD, DIM, GOOD, LOOK, NAME, Screen
from migration_manager.render.words import counted, duration

_WIDTH: Final = 80  # columns
_MOST: Final = 30  # statements of one file that are all told; of a longer one those that somebody may feel
_MOMENTS: Final = (Verdict.READS_FOR_A_MOMENT, Verdict.WRITES_FOR_A_MOMENT)
_LEFT: Final = (Proven.NO_SCRIPT, Proven.NO_STATEMENT, Proven.IRREVERSIBLE)


def show_rehearsal(screen: Screen, rehearsal: Rehearsal) -> None:
    """Show the verdict on one migration, what each statement does, and what became of the rollback."""
    accepted = bool(rehearsal.findings) and all(finding.accepted is not None for finding in rehearsal.findings)
    verdict = (rehearsal.in_words, _style(rehearsal.verdict, accepted=accepted))
    room = _WIDTH - len(rehearsal.name) - len(rehearsal.in_words) - 2
    if room >= 2:
        screen.result("  ", (rehearsal.name, NAME), " " * room, verdict)
    else:
        screen.result("  ", (rehearsal.name, NAME))
        screen.result("    ", verdict)
    told = rehearsal.statements if screen.verbose else _telling(rehearsal.statements)
    shown = set()
    for judged in told:
        _show_statement(screen, judged)
        for finding in _of(rehearsal, judged.statement.line):
            if finding not in shown:
                shown.add(finding)
                _show_finding(screen, finding)
    if left := len(rehearsal.statements) + rehearsal.more - len(told):
        screen.result("    ", (f"and {_more(left)}", DIM))
    for finding in rehearsal.findings:
        if finding not in shown:
            _show_finding(screen, finding)
    for note in rehearsal.notes:
        screen.result("    ", (note, LOOK))
    if rehearsal.proof is not None:
        _show_proof(screen, rehearsal.proof)
    screen.result("")


def _telling(statements: Sequence[Judged]) -> Sequence[Judged]:
    """Return those that are told: all of a few, else those that somebody may feel."""
    if len(statements) <= _MOST:
        return statements
    return [judged for judged in statements if judged.verdict is not Verdict.SAFE]


def _more(count: int) -> str:
    return f"{counted(count, 'more statement')} that {'blocks' if count == 1 else 'block'} nobody"


def _of(rehearsal: Rehearsal, line: int) -> Iterable[Finding]:
    return (finding for finding in rehearsal.findings if finding.line == line and finding.rule != "fails")


def _style(verdict: Verdict, *, accepted: bool = False) -> str:
    if verdict is Verdict.SAFE:
        return GOOD
    return DIM if accepted else LOOK if verdict in _MOMENTS else BAD


def _show_statement(screen: Screen, judged: Judged) -> None:
    statement = judged.statement
    head = f"    line {statement.line:<4}"
    took = duration(round(statement.seconds * 1000))
    room = _WIDTH - len(head) - len(took) - 1
    text = statement.text if screen.verbose else _short(statement.text, room)
    screen.result((head, DIM), text.ljust(room), (f" {took}", DIM))
    margin = " " * len(head)
    for line in _wrapped(effects(judged), _WIDTH - len(margin)):
        screen.result(margin, (line, _style(judged.verdict)))
    for line in _wrapped(f"safer: {judged.advice}" if judged.advice else "", _WIDTH - len(margin)):
        screen.result(margin, line)


def _show_finding(screen: Screen, finding: Finding) -> None:
    margin = " " * 13 if finding.line and finding.rule != "fails" else " " * 4
    place = f"{finding.path}:{finding.line}:{finding.column}: " if finding.column else ""
    style = DIM if finding.accepted is not None else BAD
    for line in _wrapped(f"{finding.rule}: {place}{finding.message}", _WIDTH - len(margin)):
        screen.result(margin, (line, style))
    if finding.accepted is not None:
        for line in _wrapped(f"accepted: {finding.accepted}", _WIDTH - len(margin)):
            screen.result(margin, (line, DIM))
    elif finding.advice is not None:
        for line in _wrapped(f"safer: {finding.advice}", _WIDTH - len(margin)):
            screen.result(margin, line)


def _show_proof(screen: Screen, proof: Proof) -> None:
    open_ones = proof.open_findings
    style = GOOD if proof.verdict is Proven.RESTORED else BAD if open_ones else DIM
    screen.result("    ", (rollback_in_words(proof), style))
    for finding in open_ones:
        for line in _wrapped(finding.message.replace("\n", " "), _WIDTH - 6):
            screen.result("      ", (line, LOOK))


def rollback_in_words(proof: Proof) -> str:
    """Return what the proof of a rollback says: `rollback proven: restores the schema`."""
    if proof.verdict is Proven.RESTORED:
        return "rollback proven: restores the schema"
    if proof.verdict in _LEFT:
        return f"rollback not tried: {proof.verdict.value}"
    return f"rollback {'accepted' if not proof.open_findings else 'not proven'}: {proof.verdict.value}"


def effects(judged: Judged) -> str:
    """Return what a statement does to others on one line; what it does to nobody is said as well."""
    statement = judged.statement
    locks = told_locks(statement)
    names = {lock.relation.name for lock in locks}
    whole = [lock for lock in locks if lock.relation.root not in names]
    parts = len(locks) - len(whole)
    told = [lock_in_words(lock) for lock in whole]
    told += [f"the same on {counted(parts, 'partition')}"] if parts else []
    told += judged.effects
    if statement.new_indexes:
        told.append(f"makes {', '.join(statement.new_indexes)}")
    blocked = _blocked(statement)
    if blocked:
        told.append(f"blocks {blocked}" + (" for a moment" if judged.verdict in _MOMENTS else ""))
    return " · ".join(told) or "locks nothing that others use"


def told_locks(statement: Observed) -> tuple[Lock, ...]:
    """Return the locks that are worth telling: those of a SELECT are not."""
    return tuple(lock for lock in statement.locks if lock.mode is not Mode.ACCESS_SHARE)


def lock_in_words(lock: Lock) -> str:
    """Return a lock as it is told: `ACCESS EXCLUSIVE on public.tasks`."""
    on = f"{lock.relation.name} (its index {lock.on_index})" if lock.on_index else lock.relation.name
    return f"{lock.mode.value} on {on}"


def _blocked(statement: Observed) -> str:
    modes = [lock.mode for lock in told_locks(statement) if lock.mode is not Mode.ROW_EXCLUSIVE]
    strongest = max(modes, key=lambda mode: mode.strength, default=Mode.ACCESS_SHARE)
    return "everything, SELECT too" if strongest.blocks_reads else strongest.blocked


def _short(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"


def _wrapped(text: str, room: int) -> list[str]:
    return [
        piece
        for line in text.split("\n")
        for piece in textwrap.wrap(line, room, break_long_words=False, break_on_hyphens=False)
    ]


def show_rehearsals(
    screen: Screen, rehearsals: Sequence[Rehearsal], *, untried: Sequence[str], notes: Sequence[str]
) -> None:
    """Show what all verdicts come to."""
    for note in notes:
        for number, line in enumerate(_wrapped(note, _WIDTH - 6)):
            screen.result(("note  " if number == 0 else "      ", LOOK), line)
    if not rehearsals and not untried:
        screen.result("nothing to rehearse: nothing is pending.")
        return
    seconds = sum(rehearsal.seconds for rehearsal in rehearsals)
    told = f"{summary(rehearsals, untried=len(untried))}   {duration(round(seconds * 1000))}"
    for line in [told] if len(told) <= _WIDTH else _wrapped(told, _WIDTH):
        screen.result(line)


def summary(rehearsals: Sequence[Rehearsal], *, untried: int) -> str:
    """Return how many there are of each verdict, as a sentence; `untried` is how many could not be tried."""
    counts = {verdict: sum(each.verdict is verdict for each in rehearsals) for verdict in Verdict}
    told = [f"{count} {verdict.value}" for verdict, count in counts.items() if count]
    told += [f"{untried} not tried"] if untried else []
    return f"{counted(len(rehearsals) + untried, 'pending migration')}: {', '.join(told)}."


# ------------------------------------------------------------------------------------------ document


def rehearsals_document(
    rehearsals: Sequence[Rehearsal],
    *,
    environment: str,
    where: str,
    on_target: bool,
    untried: Sequence[str],
    notes: Sequence[str],
) -> Document:
    """Return all verdicts as a document."""
    return {
        "environment": environment,
        "where": where,
        "on_target": on_target,
        "migrations": [_document(rehearsal) for rehearsal in rehearsals],
        "not_tried": list(untried),
        "notes": list(notes),
        "findings": sum(len(rehearsal.open_findings) for rehearsal in rehearsals),
    }


def _document(rehearsal: Rehearsal) -> Document:
    size, proof = rehearsal.rewritten, rehearsal.proof
    return {
        "name": rehearsal.name,
        "verdict": rehearsal.verdict.value,
        "rewrites": None if size is None else {"rows": size.rows, "bytes": size.bytes},
        "statements": [_statement_document(judged) for judged in rehearsal.statements],
        "more_statements": rehearsal.more,
        "findings": [finding_document(finding) for finding in rehearsal.findings],
        "rollback": None
        if proof is None
        else {
            "verdict": proof.verdict.value,
            "is_proven": not proof.open_findings,
            "findings": [finding_document(finding) for finding in proof.findings],
        },
        "notes": list(rehearsal.notes),
        "took_ms": round(rehearsal.seconds * 1000),
    }


def _statement_document(judged: Judged) -> Document:
    statement = judged.statement
    return {
        "line": statement.line,
        "text": statement.text,
        "verdict": judged.verdict.value,
        "took_ms": round(statement.seconds * 1000),
        "locks": [
            {
                "on": lock.relation.name,
                "kind": lock.relation.kind,
                "index": lock.on_index,
                "mode": lock.mode.value,
                "blocks": lock.mode.blocked,
            }
            for lock in statement.locks
        ],
        "rewrites": [relation.name for relation in statement.rewritten],
        "reads_whole": [relation.name for relation in statement.scanned],
        "empties": [relation.name for relation in statement.emptied],
        "new_indexes": list(statement.new_indexes),
        "effects": list(judged.effects),
        "advice": judged.advice,
        "in_transaction": not statement.alone,
        "locks_by_manual": statement.inferred,
    }


# ------------------------------------------------------------------------------------------ Markdown


def as_markdown(
    rehearsals: Sequence[Rehearsal],
    *,
    environment: str,
    where: str,
    untried: Sequence[str],
    notes: Sequence[str],
) -> str:
    """Return all verdicts as Markdown, one migration below the other: a comment on a pull request."""
    wrong = [rehearsal for rehearsal in rehearsals if rehearsal.open_findings]
    if not rehearsals and not untried:
        return f"### ✅ Nothing to rehearse\n\nNothing is pending in {escaped(environment)}."
    head = f"{len(wrong)} of {counted(len(rehearsals), 'pending migration')} to look at" if wrong else "Safe to run"
    lines = [f"### {'❌' if wrong else '✅'} {head}", ""]
    for rehearsal in rehearsals:
        mark = "❌" if rehearsal.open_findings else "✅"
        lines += [
            f"<details{' open' if rehearsal.open_findings else ''}>",
            f"<summary>{mark} <code>{_html(rehearsal.name)}</code>: {_html(rehearsal.in_words)}</summary>",
            "",
            *_table(rehearsal),
            *(f"* {_finding(finding)}" for finding in rehearsal.findings),
            *(f"* {escaped(note)}" for note in rehearsal.notes),
        ]
        if rehearsal.proof is not None:
            lines.append(f"* {escaped(rollback_in_words(rehearsal.proof))}")
            lines += [f"  * {escaped(finding.message)}" for finding in rehearsal.proof.open_findings]
        lines += ["", "</details>", ""]
    if untried:
        lines += [f"Not tried: {', '.join(map(code, untried))}", ""]
    lines += [f"* {escaped(note)}" for note in notes]
    lines.append(
        f"{summary(rehearsals, untried=len(untried))} Rehearsed in {escaped(where)}, sizes of {escaped(environment)}."
    )
    return "\n".join(lines)


def _table(rehearsal: Rehearsal) -> list[str]:
    told = _telling(rehearsal.statements)
    if not told:
        return []
    rows = [
        f"| {judged.statement.line} | {escaped(_short(judged.statement.text, _WIDTH))} | {escaped(effects(judged))}"
        f" | {judged.verdict.value} |"
        for judged in told
    ]
    left = len(rehearsal.statements) + rehearsal.more - len(told)
    more = [f"and {_more(left)}", ""] if left else []
    return ["| line | statement | does | verdict |", "|---|---|---|---|", *rows, "", *more]


def _finding(finding: Finding) -> str:
    line = f"line {finding.line}: " if finding.line else ""
    told = f"**{finding.rule}** {line}{escaped(finding.message)}"
    if finding.accepted is not None:
        return f"{told} (accepted: {escaped(finding.accepted)})"
    return f"{told}. Safer: {escaped(finding.advice)}" if finding.advice else told


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
