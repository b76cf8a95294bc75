"""The text of a CREATE statement as SQLite keeps it, without what means nothing there: blanks, comments, case, quoting.

ALTER TABLE writes into that text: it quotes what it renames, and appends what it adds. A text is read into words whose
quoting is known, and written again in one way, in which texts are equal when SQLite takes them for the same.
"""

from __future__ import annotations

import re
import string
from collections.abc import Collection, Iterator, Sequence
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple

from migration_manager.model import Dialect
from migration_manager.sqltext import Kind, tokens

# What a bare word may not be a name as (tokenizer and `%fallback ID` of parse.y), and JOIN's words, which begin another
# thing where a quoted one is an alias. A name that is one of these keeps its quotes.
_RESERVED_WORDS: Final = (
    "add all alter and as autoincrement between case cast check collate commit constraint create cross current_date "
    "current_time current_timestamp default deferrable delete distinct drop else escape except exists false foreign "
    "from full group having if in index indexed inner insert intersect into is isnull join left limit natural not "
    "nothing notnull null on or order outer primary raise references returning right select set table then to "
    "transaction true union unique update using values when where"
)
RESERVED: Final = frozenset(_RESERVED_WORDS.split())
# Words that are written in capitals because they are seldom names; quoted or bare makes no difference to them.
_SHOUTED_WORDS: Final = (
    "after asc before begin by conflict desc do each end fail filter for glob ignore instead like match offset over "
    "partition recursive regexp replace rollback row with"
)
_SHOUTED: Final = frozenset(_SHOUTED_WORDS.split())

_FOLD: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_PLAIN: Final = re.compile(r"[^\x00-@\[-^`{-\x7f][^\x00-#%-/:-@\[-^`{-\x7f]*")
_NUMBER: Final = re.compile(r"0[xX][0-9a-fA-F_]+|(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9_]+)?")
_OPERATOR: Final = re.compile(r"->>|->|\|\||<<|>>|<=|>=|<>|!=|==|.", re.DOTALL)
_SYNONYMS: Final = {"==": "=", "<>": "!="}


class Form(Enum):
    """How a word stands in the text."""

    BARE = "a keyword or a name"
    QUOTED = "a name in brackets or backticks"
    DOUBLE = "a name in double quotes, or a string where no such name is known"
    STRING = "a string, or a name where only a name can stand"
    LITERAL = "a number or a blob"
    SIGN = "an operator or a sign"


class Word(NamedTuple):
    """One word."""

    form: Form
    value: str  # without its quotes, but for a blob
    written: str  # as it stands in the text
    name: str  # the value, folded
    key: str  # the same where it can be a keyword or a sign, else nothing

    def says(self, *keywords: str) -> bool:
        """Whether it is one of these keywords or signs, which are given in lower case."""
        return self.key in keywords


def folded(name: str) -> str:
    """Return a name as SQLite compares it: only the ASCII letters have a case."""
    return name.translate(_FOLD)


def as_sql(name: str) -> str:
    """Return a name as it can stand in SQL, in quotes only where it has to."""
    if _PLAIN.fullmatch(name) and folded(name) not in RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


@lru_cache(maxsize=2048)
def words_of(sql: str) -> tuple[Word, ...]:
    """Return the words of a statement, comments left out. Raises `SqlTextError` for what is no SQL."""
    return tuple(_words(sql))


def _words(sql: str) -> Iterator[Word]:
    end = 0
    for token in tokens(sql, Dialect.SQLITE):
        if token.start < end or token.kind is Kind.COMMENT:
            continue
        end, written = token.end, sql[token.start : token.end]
        if token.kind is Kind.WORD:
            if written in ("x", "X") and sql.startswith("'", end):  # a blob, when nothing is between
                end = sql.index("'", end + 1) + 1
                yield _word(Form.LITERAL, folded(sql[token.start : end]), sql[token.start : end])
            else:
                yield _word(Form.BARE, written, written)
        elif token.kind is Kind.STRING:
            yield _word(Form.STRING, _unquoted(written), written)
        elif token.kind is Kind.IDENTIFIER:
            yield _word(Form.DOUBLE if written[0] == '"' else Form.QUOTED, _unquoted(written), written)
        elif number := _NUMBER.match(sql, token.start):
            end = number.end()
            yield _word(Form.LITERAL, folded(number[0]), number[0])
        else:
            sign = _OPERATOR.match(sql, token.start)
            found = sign[0] if sign else written
            end = token.start + len(found)
            yield _word(Form.SIGN, _SYNONYMS.get(found, found), found)


def _word(form: Form, value: str, written: str) -> Word:
    name = folded(value)
    return Word(form, value, written, name, name if form in (Form.BARE, Form.SIGN) else "")


def _unquoted(written: str) -> str:
    if written[0] == "[":
        return written[1:-1]
    return written[1:-1].replace(written[0] * 2, written[0])


# ---------------------------------------------------------------------------------------------- writing


def written_as_name(word: Word) -> str:
    """Return a word that stands where only a name can."""
    return as_sql(word.name)


def rewritten(words: Sequence[Word], names: Collection[str]) -> str:
    """Return the words in the one way. What is in double quotes and none of the (folded) names is a string."""
    pieces: list[str] = []
    for number, word in enumerate(words):
        piece = _piece(words, number, names)
        if pieces and _are_apart(words[number - 1], word):
            pieces.append(" ")
        pieces.append(piece)
    return "".join(pieces)


def _piece(words: Sequence[Word], number: int, names: Collection[str]) -> str:
    word = words[number]
    name = word.name
    if word.form is Form.STRING:
        return word.written
    if word.form in (Form.LITERAL, Form.SIGN):
        return word.value
    if word.form is Form.BARE:
        return name.upper() if name in RESERVED or name in _SHOUTED else name
    if word.form is Form.DOUBLE and name not in names and not _is_part_of_a_name(words, number):
        return "'" + word.value.replace("'", "''") + "'"
    return name.upper() if name in _SHOUTED else as_sql(name)


def _is_part_of_a_name(words: Sequence[Word], number: int) -> bool:
    """Whether it is qualified, qualifies, or is a function's: no string can stand there."""
    before = words[number - 1] if number else None
    after = words[number + 1] if number + 1 < len(words) else None
    return (before is not None and before.says(".")) or (after is not None and after.says(".", "("))


def _are_apart(before: Word, word: Word) -> bool:
    if before.says("(", ".") or word.says(")", ",", ".", ";"):
        return False
    if word.says("("):  # of a function; a keyword keeps its distance
        return before.form in (Form.SIGN, Form.LITERAL) or (before.form is Form.BARE and before.name in _SPACED)
    return True


_SPACED: Final = (RESERVED | _SHOUTED) - {"cast", "raise", "replace", "glob", "like", "left", "right", "if"}


def in_parentheses(words: Sequence[Word], opening: int) -> tuple[Sequence[Word], int]:
    """Return what stands in the parentheses that open there, and where it goes on. Raises `IndexError` without any."""
    if not words[opening].says("("):
        raise IndexError(opening)
    depth = 0
    for number in range(opening, len(words)):
        if words[number].says("("):
            depth += 1
        elif words[number].says(")"):
            depth -= 1
            if depth == 0:
                return words[opening + 1 : number], number + 1
    raise IndexError(len(words))


def parts_of(words: Sequence[Word]) -> list[Sequence[Word]]:
    """Return what the commas part that stand in no parentheses; nothing when there are no words."""
    parts: list[Sequence[Word]] = []
    depth = begin = 0
    for number, word in enumerate(words):
        if word.form is not Form.SIGN:
            continue
        if word.value == "(":
            depth += 1
        elif word.value == ")":
            depth -= 1
        elif word.value == "," and depth == 0:
            parts.append(words[begin:number])
            begin = number + 1
    return [*parts, words[begin:]] if words else []
