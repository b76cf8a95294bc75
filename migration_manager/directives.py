"""What a file's header asks for: comments `-- migrate: …` before the first statement. Pure.

Silence is the worst answer: a directive that is misspelt, malformed or misplaced is an error, and so is another tool's
marker, which means nothing here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from migration_manager.durations import parse_duration
from migration_manager.errors import DirectiveError, nearest
from migration_manager.locate import excerpt, line_and_column
from migration_manager.model import Dialect, Directives, Source, Statement
from migration_manager.sqltext import Kind, Token, tokens, tokens_at

NO_TRANSACTION: Final = "no-transaction"
NOTHING_TO_UNDO: Final = "nothing-to-undo"
IRREVERSIBLE: Final = "irreversible"
ENVIRONMENTS: Final = "environments"

_DIRECTIVE: Final = re.compile(r"--+[ \t]*migrate[ \t]*:[ \t]*(?P<name>\S*)[ \t]*(?P<rest>.*)", re.IGNORECASE)
# What is nearly one: another word before the name, or no colon.
_NEARLY: Final = re.compile(r"--+[ \t]*(?P<word>\w+)[ \t]*(?P<colon>:?)[ \t]*(?P<name>[\w-]+)(?P<rest>.*)")
_IN_BLOCK: Final = re.compile(r"^(?:/\*+)?[ \t*]*migrate[ \t]*:", re.IGNORECASE | re.MULTILINE)
_BECAUSE: Final = re.compile(r"because\b[ \t:]*(?P<reason>.*)", re.IGNORECASE)
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


def read_directives(source: Source, statements: Sequence[Statement], dialect: Dialect, *, rollback: bool) -> Directives:
    """Return what the header asks for, the header being all before the first of the file's statements.

    Raises `DirectiveError` at the line that is wrong, wherever in the file that is.
    """
    header_end = statements[0].start if statements else len(source.text)
    fields: dict[str, object] = {}
    lines: dict[str, int] = {}
    for comment in tokens(source.text, dialect, 0, header_end):
        if comment.kind is Kind.COMMENT and (found := _directive(source, comment)):
            name, field, value = found
            line, _ = line_and_column(source.text, comment.start)
            if name in lines:
                raise _error(source, comment.start, f"{name} is said twice; the first time on line {lines[name]}")
            _check_place(source, comment, name, rollback=rollback)
            fields[field], lines[name] = value, line
    _refuse_late_ones(source, statements, dialect, header_end)
    return Directives(**fields)  # type: ignore[arg-type] # each reader returns its field's type


def _directive(source: Source, comment: Token) -> tuple[str, str, object] | None:
    """Return the name, the field and the value of a header comment that is a directive; None for any other comment."""
    text = source.text[comment.start : comment.end].rstrip()
    if text.startswith("/*"):
        if found := _IN_BLOCK.search(text):
            offset = comment.start + found.start()
            raise _error(source, offset, "a directive stands in a block comment", "write it as a line: -- migrate: …")
        return None
    _refuse_foreign(source, comment.start, _FOREIGN + _FOREIGN_HEADERS, text)
    found = _DIRECTIVE.fullmatch(text)
    if found is None:
        _refuse_nearly(source, comment.start, text)
        return None
    name, offset = found["name"].lower(), comment.start + found.start("name")
    if name not in _READERS:
        close = nearest(name, _READERS)
        hint = f"did you mean {close}?" if close else f"there are {', '.join(_READERS)}"
        raise _error(source, offset, f"there is no directive {found['name']!r}", hint)
    field, form, reader = _READERS[name]
    try:
        return name, field, reader(found["rest"])
    except ValueError as error:
        raise _error(source, offset, f"{name}: {error}", f"as in `-- migrate: {name}{form}`") from None


def _check_place(source: Source, comment: Token, name: str, *, rollback: bool) -> None:
    if name == NOTHING_TO_UNDO and not rollback:
        raise _error(source, comment.start, f"{name} belongs in the rollback script, NAME_rollback.sql")
    if name in (IRREVERSIBLE, ENVIRONMENTS) and rollback:
        why = "; a rollback goes wherever its migration went" if name == ENVIRONMENTS else ""
        raise _error(source, comment.start, f"{name} belongs in the migration, not in its rollback script{why}")


def _refuse_nearly(source: Source, offset: int, text: str) -> None:
    """Refuse what was meant as a directive and would be taken for prose: `-- migration: no-transaction`."""
    found = _NEARLY.fullmatch(text)
    if found is None or (name := found["name"].lower()) not in _READERS:
        return
    if not difflib.get_close_matches(found["word"].lower(), ["migrate", "migration_manager"], cutoff=0.7):
        return
    # Without the colon the plain words among the names may be English: "migrate environments to …".
    if found["colon"] or "-" in name:
        raise _error(
            source, offset, "this reads like a directive and is none", f"write -- migrate: {name}{found['rest']}"
        )


def _refuse_late_ones(source: Source, statements: Sequence[Statement], dialect: Dialect, header_end: int) -> None:
    offsets = [found.start() for found in _LATE.finditer(source.text, header_end)]
    for offset, token in zip(offsets, tokens_at(source.text, dialect, statements, offsets), strict=True):
        if token is None or token.kind is not Kind.COMMENT or token.start != offset:
            continue  # in a literal, in COPY rows, or further inside a comment
        text = source.text[token.start : token.end].rstrip()
        _refuse_foreign(source, offset, _FOREIGN, text)
        if _DIRECTIVE.fullmatch(text):
            raise _error(
                source,
                offset,
                "a directive stands after the first statement",
                "directives are for the whole file; put it above the first statement",
            )


def _refuse_foreign(
    source: Source, offset: int, markers: Sequence[tuple[str, re.Pattern[str], str]], comment: str
) -> None:
    for tool, pattern, hint in markers:
        if pattern.match(comment):
            raise _error(source, offset, f"this is a marker of {tool} and means nothing here", hint)


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


# By name: the field of `Directives`, an example of what follows the name, and what reads that.
_READERS: Final[Mapping[str, tuple[str, str, Callable[[str], object]]]] = {
    NO_TRANSACTION: ("no_transaction", "", _nothing),
    "lock-timeout": ("lock_timeout", " 10s", parse_duration),
    "statement-timeout": ("statement_timeout", " 15min", parse_duration),
    ENVIRONMENTS: ("environments", " dev, uat", _environments),
    IRREVERSIBLE: ("irreversible", " because the old values are gone", _because),
    NOTHING_TO_UNDO: ("nothing_to_undo", " because it only fills a cache", _because),
}


def _error(source: Source, offset: int, message: str, hint: str | None = None) -> DirectiveError:
    line, column = line_and_column(source.text, offset)
    return DirectiveError(
        message, path=source.path, line=line, column=column, excerpt=excerpt(source.text, offset), hint=hint
    )
