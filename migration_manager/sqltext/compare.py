"""Texts compared without what does not matter to a database: comments and blank space."""

from __future__ import annotations

from collections.abc import Iterator

from migration_manager.model import Dialect, Statement
from migration_manager.sqltext.facts import statement_tokens
from migration_manager.sqltext.lexical import Kind, SqlTextError, Token
from migration_manager.sqltext.statements import Rows, stream


def without_comments(text: str, dialect: Dialect) -> str:
    """Return the statements without comments, their blank space folded: texts equal in this differ only in those.

    A text that cannot be read comes back as it is. What pg_dump wrote for psql counts as a comment.
    """
    try:
        return "".join(_essence(text, dialect))
    except SqlTextError:
        return text


def _essence(text: str, dialect: Dialect) -> Iterator[str]:
    separator = ""
    for piece in stream((text,), dialect):
        if isinstance(piece, Rows):
            yield piece.text[: piece.data_end]
            continue
        for statement in piece.statements:
            yield separator + _without_comments(piece.text, statement, dialect)
            separator = "\n"


def _without_comments(text: str, statement: Statement, dialect: Dialect) -> str:
    pieces: list[str] = []
    last: Token | None = None
    for token in statement_tokens(text, statement, dialect):
        if last is not None and last.end < token.start:
            pieces.append(_separator(text, last, token))
        pieces.append(text[token.start : token.end])
        last = token
    if pieces[-1] != ";":
        pieces.append(";")  # whether the last statement has one makes no difference
    return "".join((*pieces, "\n" if statement.takes_rows else ""))


def _separator(text: str, last: Token, token: Token) -> str:
    if text[last.start] in "(,;" or text[token.start] in "),;":
        return ""
    # 'a' and 'b' on two lines are one literal, on one line a syntax error (manual 4.1.2.1).
    is_continued = last.kind is token.kind is Kind.STRING and "\n" in text[last.end : token.start]
    return "\n" if is_continued else " "
