"""The lexer: where the statements of an SQL text begin and end, and what kind they are.

Pure, streaming, and exact: every offset is a 0-based character. `lexical` has the rules of literals and comments,
`statements` the bounds, `facts` what has to be known of a statement before it runs, `effects` what it does to tables
and columns, `losses` what a whole script loses by it, `psql` what only psql understands.
"""

from __future__ import annotations

from migration_manager.sqltext.compare import without_comments
from migration_manager.sqltext.facts import (
    CopyDirection,
    Setting,
    copy_direction,
    copy_format,
    refuses_transaction,
    setting_in,
    statement_tokens,
)
from migration_manager.sqltext.lexical import Kind, SqlTextError, Token, tokens
from migration_manager.sqltext.losses import LossFinder
from migration_manager.sqltext.statements import PIECE, Rows, Sql, split, statements_in, stream, tokens_at

__all__ = [
    "PIECE",
    "CopyDirection",
    "Kind",
    "LossFinder",
    "Rows",
    "Setting",
    "Sql",
    "SqlTextError",
    "Token",
    "copy_direction",
    "copy_format",
    "refuses_transaction",
    "setting_in",
    "split",
    "statement_tokens",
    "statements_in",
    "stream",
    "tokens",
    "tokens_at",
    "without_comments",
]
