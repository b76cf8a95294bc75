"""Looks at a folder of migrations without a database: reads the files, asks the rules and squawk, gathers the findings.

Writes nothing but squawk's temporary texts. Nothing that is wrong with one file keeps the others from being looked at.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from migration_manager import squawk
from migration_manager.errors import FileError
from migration_manager.filerules import (
    Place,
    StatementRules,
    finding_of,
    found,
    loses_at,
    losses,
    useless_acceptances,
)
from migration_manager.files import Folder
from migration_manager.messages import messages, statements_of
from migration_manager.model import Dialect, Finding, Migration, Script, Statement
from migration_manager.names import ENDING, ROLLBACK
from migration_manager.prepare import Preparer
from migration_manager.rules import (
    IN_THE_FUTURE,
    NO_ROLLBACK,
    NOT_READ,
    ROBUST,
    RULES,
    SAME_NUMBER,
    SQUAWK,
    SUBFOLDER,
    SYNTAX_ERROR,
    Rule,
    unknown,
)
from migration_manager.script import examine
from migration_manager.sqltext import Kind, refuses_transaction, statement_tokens
from migration_manager.textfile import read_source

_LONG: Final = 1024 * 1024  # bytes of a file; in a longer one squawk is not given the INSERTs, of which it says nothing
_LONGEST: Final = 4 * 1024 * 1024  # characters that squawk is given of one file; it takes 30 times that of memory
_ROUNDS: Final = 5  # in which statements that squawk cannot read are taken out
_NOT_LINE_END: Final = re.compile(r"[^\n]")
# What LossFinder knows better than squawk: whether the file made the thing itself, or rebuilds it.
_DROPS: Final = frozenset({"ban-drop-table", "ban-drop-column"})


@dataclass(frozen=True, slots=True)
class LintReport:
    """What was found, in the order of the files. `files` counts those that were looked at.

    `squawk` says whether its rules were asked, `notes` what a person should know about that.
    """

    environment: str
    files: int
    findings: tuple[Finding, ...]
    squawk: bool
    notes: tuple[str, ...] = ()

    @property
    def open(self) -> tuple[Finding, ...]:
        """Those that nobody has accepted."""
        return tuple(finding for finding in self.findings if finding.accepted is None)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the files are looked at for. `server_version` is PostgreSQL's, where it is known without asking a server."""

    environment: str
    environments: tuple[str, ...]
    dialect: Dialect
    shown_from: Path
    server_version: str | None = None
    own_rules_only: bool = False


def lint(folder: Folder, at: Surroundings, only: Callable[[str], bool] = lambda _: True) -> LintReport:
    """Look at the migrations of a folder whose names `only` picks, and at what is wrong with other files so named.

    Raises `UsageError` where squawk is wanted and is not there.
    """
    asks = at.dialect is Dialect.POSTGRESQL and not at.own_rules_only
    program = squawk.find() if asks else None
    pages: list[_Page] = []
    for migration in folder.migrations:
        if only(migration.name):
            pages += _pages(migration, at)
    if program is not None:
        _ask_squawk(program, pages, at.server_version)
    by_path: dict[str, list[Finding]] = {}
    for finding in _of_folder(folder, only):
        by_path.setdefault(finding.path, []).append(finding)
    for page in pages:
        by_path.setdefault(page.path, []).extend(page.answered(squawk=program is not None))
    return LintReport(
        at.environment,
        len(pages) + sum(1 for problem in folder.problems if only(_stem(problem.path))),
        tuple(finding for each in by_path.values() for finding in sorted(each, key=_by_place)),
        squawk=program is not None,
        notes=tuple(_notes(at)),
    )


def _notes(at: Surroundings) -> Iterator[str]:
    if at.dialect is not Dialect.POSTGRESQL:
        yield "squawk's rules are about PostgreSQL; of files for SQLite only this tool's own rules are asked"


def _by_place(finding: Finding) -> tuple[int, int]:
    return finding.line or 0, finding.column or 0


def _stem(path: str) -> str:
    return Path(path).name.removesuffix(ENDING).removesuffix(ROLLBACK)


def _of_folder(folder: Folder, only: Callable[[str], bool]) -> Iterator[Finding]:
    """Yield what the folder as a whole shows."""
    paths = {migration.name: migration.source.path for migration in folder.migrations}
    for problem in folder.problems:
        if only(_stem(problem.path)):
            yield finding_of(problem)
    for path in folder.subfolders:
        if only(_stem(path)):
            yield found(SUBFOLDER, path)
    for before, after in folder.same_number:
        if only(before) or only(after):
            name, other = (after, before) if only(after) else (before, after)
            message = f"begins with the same number as {other}; they run in the order of their names"
            yield found(SAME_NUMBER, paths[name], message=message, subject=f"migration {other}")
    for name in folder.in_the_future:
        if only(name):
            yield found(IN_THE_FUTURE, paths[name])


# -------------------------------------------------------------------------------------------- one file


class _Span(NamedTuple):
    """A statement in the text that squawk is given: from, to, and its line in the file, from 1."""

    start: int
    end: int
    line: int
    stands_alone: bool  # PostgreSQL refuses it inside a transaction
    of_own: bool  # it changes what the same transaction made


@dataclass(slots=True)
class _Page:
    """One file, what was found in it, and what squawk is given of it, line for line."""

    path: str
    rollback: bool
    script: Script | None = None
    findings: list[Finding] = field(default_factory=list)
    text: str = ""
    spans: list[_Span] = field(default_factory=list)
    for_squawk: bool = False
    _lines: list[int] = field(default_factory=list)  # where each begins

    @property
    def outside(self) -> bool:
        """Whether it runs outside a transaction."""
        return self.script is not None and self.script.directives.no_transaction

    def answered(self, *, squawk: bool) -> list[Finding]:
        """Return the findings with the reasons that the header gives, and what it accepts in vain."""
        if self.script is None:
            return self.findings
        useless = useless_acceptances(
            self.script, (finding.rule for finding in self.findings), squawk=squawk and self.for_squawk
        )
        accepted = self.script.directives.accepted
        return [
            finding if finding.rule in RULES and not RULES[finding.rule].acceptable else finding.answered(accepted)
            for finding in (*self.findings, *useless)
        ]

    def span_at(self, line: int, column: int) -> int | None:
        """Return which statement a place is in, or behind: its number; None for one before all of them."""
        if not self._lines:
            self._lines = [0, *(found.end() for found in re.finditer("\n", self.text))]
        number = bisect_right(self.spans, self._lines[line] + column, key=lambda span: span.start) - 1
        return number if number >= 0 else None

    def blank(self, number: int) -> None:
        """Take a statement out of the text, so that no other one moves."""
        span = self.spans[number]
        blanks = _NOT_LINE_END.sub(" ", self.text[span.start : span.end])
        self.text = self.text[: span.start] + blanks + self.text[span.end :]


def _pages(migration: Migration, at: Surroundings) -> Iterator[_Page]:
    """Yield the files of a migration, with what this tool's own rules say of each."""
    forward = _Page(migration.source.path, rollback=False)
    forward.script, problems = examine(migration.source, at.dialect, rollback=False)
    forward.findings += map(finding_of, problems)
    undo = None
    if migration.rollback_path is not None:
        undo = _Page(migration.source.path.removesuffix(ENDING) + ROLLBACK + ENDING, rollback=True)
        try:
            source = read_source(migration.rollback_path, undo.path)
            undo.script, problems = examine(source, at.dialect, rollback=True)
        except FileError as error:
            problems = (error,)
        undo.findings += map(finding_of, problems)
    forward.findings += _no_rollback(forward, undo)
    if forward.script is not None:
        forward.findings += _unknown_environments(migration, forward.script, at)
        beside_squawk = at.dialect is Dialect.POSTGRESQL and not at.own_rules_only
        forward.findings += losses(forward.script, beside_squawk=beside_squawk)
    for page in (forward, undo):
        if page is not None:
            if page.script is not None:
                _read(page, page.script)
            yield page


def _no_rollback(forward: _Page, undo: _Page | None) -> Iterator[Finding]:
    """Yield a finding where nothing undoes a migration, and nobody says why."""
    if forward.script is not None and forward.script.directives.irreversible is not None:
        return
    if undo is None:
        yield found(NO_ROLLBACK, forward.path, message="there is no rollback script")
    elif undo.script is not None and not undo.script.statement_count and not undo.script.directives.nothing_to_undo:
        yield found(NO_ROLLBACK, forward.path, message="the rollback script has no statement, which counts as missing")


def _unknown_environments(migration: Migration, script: Script, at: Surroundings) -> Iterator[Finding]:
    if script.directives.environments is None:
        return
    preparer = Preparer(at.dialect, shown_from=at.shown_from, environments=at.environments)
    try:
        preparer.is_for(migration, at.environment)
    except FileError as error:
        yield finding_of(error)


def _read(page: _Page, script: Script) -> None:
    """Read a file's statements once: for this tool's rules, and for what squawk is given."""
    if script.dialect is not Dialect.POSTGRESQL:
        return
    rules = StatementRules(script)
    copy = _Copy()
    is_long = script.source.size > _LONG
    for message in messages(script):
        copy.go_to_line(message.batch.line)
        text, position = message.text, 0
        for statement in statements_of(message, script.dialect):
            copy.add(text[position : statement.start])
            of_own = rules.is_about_own(text, statement)
            rules.look_at(text, statement, Place(copy.line, copy.column))
            if is_long and statement.words[:1] == ("INSERT",):
                copy.leave_out(text[statement.start : statement.end])
            else:
                stands_alone = refuses_transaction(text, statement, script.dialect)
                copy.add_statement(_without_escapes(text, statement), stands_alone=stands_alone, of_own=of_own)
            position = statement.end
        copy.add(text[position:])
    page.findings += rules.findings()
    if copy.is_too_long:
        page.findings.append(found(NOT_READ, page.path))
        return
    page.for_squawk = True
    page.text = "".join(copy.pieces)
    page.spans = copy.spans


class _Copy:
    """A file's text as squawk is given it, made piece after piece: line for line and column for column the file's."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.spans: list[_Span] = []
        self.line = 1
        self.column = 1
        self.is_too_long = False
        self._length = 0  # of the pieces
        self._reached = (1, 1)  # line and column where they end
        self._weight = 0  # of the statements

    def go_to_line(self, line: int) -> None:
        """Leave lines blank: rows of a COPY, what is not sent."""
        if line > self.line:
            self.line, self.column = line, 1

    def leave_out(self, text: str) -> None:
        """Put blanks in a text's place."""
        newlines = text.count("\n")
        self.line += newlines
        self.column = len(text) - text.rfind("\n") if newlines else self.column + len(text)

    def add(self, text: str) -> None:
        """Take a text over; the blanks before it are written now, as few as keep its line and column."""
        if text and not text.isspace() and not self.is_too_long:
            self._put(self._blanks())
            self._put(text)
        self.leave_out(text)
        if text and not text.isspace():
            self._reached = self.line, self.column

    def add_statement(self, text: str, *, stands_alone: bool, of_own: bool) -> None:
        self._weight += len(text)
        if self._weight > _LONGEST:
            self.is_too_long = True
            self.pieces.clear()
            self.spans.clear()
        if not self.is_too_long:
            start = self._length + len(self._blanks())
            self.spans.append(_Span(start, start + len(text), self.line, stands_alone, of_own))
        self.add(text)

    def _blanks(self) -> str:
        line, column = self._reached
        return "\n" * (self.line - line) + " " * (self.column - (column if line == self.line else 1))

    def _put(self, text: str) -> None:
        self.pieces.append(text)
        self._length += len(text)


# --------------------------------------------------------------------------------------------- squawk


def _ask_squawk(program: Path, pages: Sequence[_Page], server_version: str | None) -> None:
    """Add what squawk finds to the pages.

    Of a file with a statement that it cannot read it says nothing else, so it is asked again without that statement.
    """
    asked = [page for page in pages if page.for_squawk and page.spans]
    for _ in range(_ROUNDS):
        if not asked:
            return
        sheets = [squawk.Sheet(page.text, not page.outside) for page in asked]
        said = squawk.remarks(program, sheets, server_version=server_version)
        unread: dict[int, set[int]] = {}
        for remark in said:
            page = asked[remark.sheet]
            number = page.span_at(remark.line, remark.column)
            if remark.rule == SYNTAX_ERROR.id and number is not None:
                numbers = unread.setdefault(remark.sheet, set())
                if number not in numbers:  # else it follows from the first one
                    page.findings += _made_of(remark, page, number)
                numbers.add(number)
        for remark in said:
            page = asked[remark.sheet]
            if remark.sheet not in unread:
                page.findings += _made_of(remark, page, page.span_at(remark.line, remark.column))
        for sheet, numbers in unread.items():
            for number in numbers:
                asked[sheet].blank(number)
        asked = [asked[sheet] for sheet in sorted(unread)]


def _made_of(remark: squawk.Remark, page: _Page, number: int | None) -> Iterator[Finding]:
    """Yield the finding that a remark is, where its rule is asked of such a file."""
    rule = SQUAWK.get(remark.rule) or unknown(remark.rule)
    span = page.spans[number] if number is not None else None
    if not rule.is_asked(rollback=page.rollback, outside=page.outside):
        return
    if span is not None and _needs_no_word(rule, span, page.script):
        return
    said = remark.message.strip().removesuffix(".")
    message = rule.wrong.replace("{said}", said[:1].lower() + said[1:] if said[1:2].islower() else said)
    yield found(rule, page.path, Place(remark.line + 1, remark.column + 1), message=message)


def _needs_no_word(rule: Rule, span: _Span, script: Script | None) -> bool:
    """Return whether what squawk says of a statement is none, for something that it does not know."""
    if span.of_own and not rule.of_own_too:
        return True
    if rule is ROBUST:  # `resume` finds out by itself whether such a one ran
        return span.stands_alone
    return rule.id in _DROPS and script is not None and not loses_at(script, span.line)


def _without_escapes(text: str, statement: Statement) -> str:
    """Return the text of a statement whose strings squawk reads as the server does.

    It does not know of `standard_conforming_strings = off`: where a backslash escapes, what is in the strings is left
    out, which no rule looks at.
    """
    written = text[statement.start : statement.end]
    if not statement.backslashes or "\\" not in written:
        return written
    pieces, position = [], statement.start
    for token in statement_tokens(text, statement, Dialect.POSTGRESQL):
        if token.kind is Kind.STRING and text[token.start] == "'":
            inside = _NOT_LINE_END.sub("_", text[token.start + 1 : token.end - 1])
            pieces += [text[position : token.start + 1], inside]
            position = token.end - 1
    return "".join((*pieces, text[position : statement.end]))
