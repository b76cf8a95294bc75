"""What a file's header asks for: comments `-- migrate: …` before the first statement.

Silence is the worst answer: a directive that is misspelt, malformed or misplaced is an error, and so is another tool's
marker, which means nothing here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, cast

from migration_manager.durations import parse_duration
from migration_manager.errors import DirectiveError, nearest
from migration_manager.locate import locate
from migration_manager.model import Acceptance, Dialect, Directives, Source
from migration_manager.sqltext import Kind, Sql, Token, tokens, tokens_at

NO_TRANSACTION: Final = "no-transaction"
NOTHING_TO_UNDO: Final = "nothing-to-undo"
IRREVERSIBLE: Final = "irreversible"
ENVIRONMENTS: Final = "environments"
ACCEPT: Final = "accept"

_DIRECTIVE: Final = re.compile(r"--+[ \t]*migrate[ \t]*:[ \t]*(?P<name>\S*)[ \t]*(?P<rest>.*)", re.IGNORECASE)
# What is nearly one: another word before the name, or no colon.
_NEARLY: Final = re.compile(r"--+[ \t]*(?P<word>\w+)[ \t]*(?P<colon>:?)[ \t]*(?P<name>[\w-]+)(?P<rest>.*)")
_IN_BLOCK: Final = re.compile(r"^(?:/\*+)?[ \t*]*migrate[ \t]*:", re.IGNORECASE | re.MULTILINE)
_BECAUSE: Final = re.compile(r"because\b[ \t:]*(?P<reason>.*)", re.IGNORECASE)
_ACCEPTED: Final = re.compile(r"(?P<what>(?!because\b).+?)[ \t]+(?P<because>because\b.*)", re.IGNORECASE)
_ENVIRONMENT: Final = re.compile(r"[A-Za-z0-9_.-]+")

# Markers of other tools: whose, what they look like from the `--` on, and what to do instead.
_PAIR: Final = "what goes up is NAME.sql here, what takes it back is NAME_rollback.sql; put the two parts there"
_OWN: Final = f"write `-- migrate: {NO_TRANSACTION}` instead"
_FOREIGN: Final = tuple(
    (tool, re.compile(pattern.replace(" ", r"[ \t]*"), re.IGNORECASE), hint)
    for tool, pattern, hint in (
        ("dbmate", r"-- migrate : (?:up|down)\b", _PAIR),
        ("goose", r"-- \+goose\b", _PAIR),
        ("sql-migrate", r"-- \+migrate\b", _PAIR),
        ("Liquibase", r"-- (?:liquibase formatted|changeset \S+:)", _PAIR),
        ("Play", r"---? !(?:Ups|Downs)\b", _PAIR),
        ("tern", r"---- create above / drop below", _PAIR),
        ("node-pg-migrate", r"-- (?:Up|Down) Migration \Z", _PAIR),
        ("tern", r"---- tern : disable-tx\b", _OWN),
        ("Atlas", r"-- atlas : txmode none\b", _OWN),
        ("Atlas", r"-- atlas :", "take it out"),
    )
)
# These are prose but for their place: in the header, and alone on their line.
_FOREIGN_HEADERS: Final = tuple(
    (tool, re.compile(pattern.replace(" ", r"[ \t]*"), re.IGNORECASE), _OWN)
    for tool, pattern in (
        ("graphile-migrate", r"--! no-transaction \Z"),
        ("sqlx", r"-- no-transaction \Z"),
        ("yoyo", r"-- transactional : false \Z"),
    )
)
# Every `--` after the header that may begin a directive or a marker. The literal prefix lets the search run at 3 GB/s;
# looking back keeps a line of dashes from being tried once for each of them.
_LATE: Final = re.compile(
    r"--(?<!---)-*[ \t]*(?i:migrate[ \t]*:|\+(?:goose|migrate)|liquibase|changeset|!(?:ups|downs)|create[ \t]+above"
    r"|(?:up|down)[ \t]+migration|tern[ \t]*:|atlas[ \t]*:)"
)


class Header:
    """The header of one file, read from the pieces of its text as they come: all before the first statement."""

    def __init__(self, source: Source, dialect: Dialect, *, rollback: bool) -> None:
        self._source = source
        self._dialect = dialect
        self._rollback = rollback
        self._fields: dict[str, object] = {}
        self._lines: dict[str, int] = {}
        self._accepted: tuple[Acceptance, ...] = ()
        self._ended = False

    @property
    def directives(self) -> Directives:
        """What the header asks for, as far as it has been read."""
        return Directives(**self._fields)  # type: ignore[arg-type] # each reader returns its field's type

    def read(self, piece: Sql) -> None:
        """Read the next piece. Raises `DirectiveError` at the line that is wrong, in the header or after it."""
        end = 0
        if not self._ended:
            end = piece.statements[0].start if piece.statements else len(piece.text)
            self._ended = bool(piece.statements)
            for comment in tokens(piece.text, self._dialect, 0, end):
                if comment.kind is Kind.COMMENT:
                    self._read_comment(piece, comment)
        self._refuse_late_ones(piece, end)

    def _read_comment(self, piece: Sql, comment: Token) -> None:
        """Take a header comment for what it is: a directive, or nothing of ours."""
        at, text = piece.start + comment.start, piece.text[comment.start : comment.end].rstrip()
        if text.startswith("/*"):
            if found := _IN_BLOCK.search(text):
                raise self._error(
                    at + found.start(), "a directive stands in a block comment", "write it as a line: -- migrate: …"
                )
            return
        self._refuse_foreign(at, _FOREIGN + _FOREIGN_HEADERS, text)
        found = _DIRECTIVE.fullmatch(text)
        if found is None:
            self._refuse_nearly(at, text)
            return
        name = found["name"].lower()
        if name not in _READERS:
            close = nearest(name, _READERS)
            hint = f"did you mean {close}?" if close else f"there are {', '.join(_READERS)}"
            raise self._error(at + found.start("name"), f"there is no directive {found['name']!r}", hint)
        field, form, reader = _READERS[name]
        try:
            value = reader(found["rest"])
        except ValueError as error:
            hint = f"as in `-- migrate: {name}{form}`"
            raise self._error(at + found.start("name"), f"{name}: {error}", hint) from None
        line = piece.line + piece.text.count("\n", 0, comment.start)
        if name == ACCEPT:  # the one that may be said again: each has a reason of its own
            what, reason = cast("tuple[tuple[str, ...], str]", value)
            self._accepted += tuple(Acceptance(each, reason, line) for each in what)
            self._fields[field] = self._accepted
            return
        if name in self._lines:
            raise self._error(at, f"{name} is said twice; the first time on line {self._lines[name]}")
        self._check_place(at, name)
        self._fields[field] = value
        self._lines[name] = line

    def _check_place(self, at: int, name: str) -> None:
        if name == NOTHING_TO_UNDO and not self._rollback:
            raise self._error(at, f"{name} belongs in the rollback script, NAME_rollback.sql")
        if name in (IRREVERSIBLE, ENVIRONMENTS) and self._rollback:
            why = "; a rollback goes wherever its migration went" if name == ENVIRONMENTS else ""
            raise self._error(at, f"{name} belongs in the migration, not in its rollback script{why}")

    def _refuse_nearly(self, at: int, text: str) -> None:
        """Refuse what was meant as a directive and would be taken for prose: `-- migration: no-transaction`."""
        found = _NEARLY.fullmatch(text)
        if found is None or (name := found["name"].lower()) not in _READERS:
            return
        if not difflib.get_close_matches(found["word"].lower(), ["migrate", "migration_manager"], cutoff=0.7):
            return
        # Without the colon the plain words among the names may be English: "migrate environments to …".
        if found["colon"] or "-" in name:
            hint = f"write -- migrate: {name}{found['rest']}"
            raise self._error(at, "this reads like a directive and is none", hint)

    def _refuse_late_ones(self, piece: Sql, begin: int) -> None:
        offsets = [found.start() for found in _LATE.finditer(piece.text, begin)]
        for offset, token in zip(offsets, tokens_at(piece, self._dialect, offsets), strict=True):
            if token is None or token.kind is not Kind.COMMENT or token.start != offset:
                continue  # in a literal, or further inside a comment
            text = piece.text[token.start : token.end].rstrip()
            self._refuse_foreign(piece.start + offset, _FOREIGN, text)
            if _DIRECTIVE.fullmatch(text):
                hint = "directives are for the whole file; put it above the first statement"
                raise self._error(piece.start + offset, "a directive stands after the first statement", hint)

    def _refuse_foreign(self, at: int, markers: Sequence[tuple[str, re.Pattern[str], str]], comment: str) -> None:
        for tool, pattern, hint in markers:
            if pattern.match(comment):
                raise self._error(at, f"this is a marker of {tool} and means nothing here", hint)

    def _error(self, at: int, message: str, hint: str | None = None) -> DirectiveError:
        line, column, excerpt = locate(self._source.read(), at)
        return DirectiveError(message, path=self._source.path, line=line, column=column, excerpt=excerpt, hint=hint)


# -------------------------------------------------------------------------------------------- values


def _nothing(rest: str) -> bool:
    if rest:
        raise ValueError(f"takes nothing after it, and {rest!r} follows")
    return True


def _environments(rest: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in rest.split(","))
    for name in names:
        if _ENVIRONMENT.fullmatch(name) is None:
            raise ValueError(
                f"{name!r} is no environment's name; write the names with commas between them"
                if name
                else "write the environments' names with commas between them"
            )
    if len(set(names)) < len(names):
        raise ValueError("an environment is named twice")
    return names


def _because(rest: str) -> str:
    found = _BECAUSE.fullmatch(rest)
    if found is None or not found["reason"]:
        raise ValueError("say why")
    return found["reason"]


def _accepted(rest: str) -> tuple[tuple[str, ...], str]:
    found = _ACCEPTED.fullmatch(rest)
    what = tuple(each.strip() for each in found["what"].split(",")) if found else ()
    if not found or not all(what):
        raise ValueError("write the finding's rule or its subject, as it is printed, and then why")
    return what, _because(found["because"])


# By name: the field of `Directives`, an example of what follows the name, and what reads that.
_READERS: Final[Mapping[str, tuple[str, str, Callable[[str], object]]]] = {
    NO_TRANSACTION: ("no_transaction", "", _nothing),
    "lock-timeout": ("lock_timeout", " 10s", parse_duration),
    "statement-timeout": ("statement_timeout", " 15min", parse_duration),
    ENVIRONMENTS: ("environments", " dev, uat", _environments),
    IRREVERSIBLE: ("irreversible", " because the old values are gone", _because),
    NOTHING_TO_UNDO: ("nothing_to_undo", " because it only fills a cache", _because),
    ACCEPT: ("accepted", " column-order because nobody selects *", _accepted),
}
