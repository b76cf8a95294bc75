"""The lexical rules of PostgreSQL (manual 4.1, src/backend/parser/scan.l) and of SQLite: literals, comments, tokens.

Every function takes a text and a 0-based position in it, and looks no further than it must. What runs to the end of the
text without being closed raises `Unfinished`, which is an error only where the text has no more to come.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from migration_manager.model import Dialect


class SqlTextError(ValueError):
    """The text ends inside something, or holds what is no SQL; `offset` is where that begins."""

    def __init__(self, offset: int, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message
        self.hint = hint


class Unfinished(SqlTextError):
    """The text ends before what begins at `offset` does."""


class Kind(enum.Enum):
    """What a token is, as far as anybody here needs to know."""

    COMMENT = "comment"
    WORD = "word"
    STRING = "string"  # with its prefix and quotes: '...', E'...', $tag$...$tag$
    IDENTIFIER = "quoted identifier"
    OTHER = "other"  # a number's digits, one character of an operator or punctuation


class Token(NamedTuple):
    """One token; blank space is none."""

    kind: Kind
    start: int
    end: int


# Blank space is ASCII only: a no-break space is an identifier character to PostgreSQL, so `\s` would be wrong.
BLANKS: Final = " \t\n\r\f\v"
# What begins and continues an identifier, said by the ASCII that does not: a class up to U+10FFFF takes the compiler of
# `re` 5 ms each.
_LETTER: Final = r"[^\x00-@\[-\^`{-\x7f]"
_LETTER_OR_DIGIT: Final = r"[^\x00-/:-@\[-\^`{-\x7f]"
WORD_CHARACTER: Final = r"[^\x00-#%-/:-@\[-\^`{-\x7f]"  # with the dollar
PLAIN_WORD: Final = rf"{_LETTER}{WORD_CHARACTER}*"

_BLANK: Final = re.compile(f"[{BLANKS}]*")
_LINE: Final = re.compile(r"[^\n\r]*[\n\r]?")  # a carriage return alone ends a comment, too
_LINE_END: Final = re.compile(r"[\n\r]")
_NESTED: Final = re.compile(r"/\*|\*/")
_ESCAPED: Final = re.compile(r"[^'\\]*(?:(?:\\.|'')[^'\\]*){0,100}", re.DOTALL)
_DOLLAR: Final = re.compile(rf"\$(?:{_LETTER}{_LETTER_OR_DIGIT}*)?\$")
_WORD_REST: Final = re.compile(rf"{WORD_CHARACTER}+")


class Rules:
    """The lexical rules a stretch of text follows.

    `backslashes` says that a backslash escapes in every string, as `standard_conforming_strings = off` has it (manual
    4.1.2.1). `skip` runs to the next character somebody has to look at.
    """

    def __init__(self, dialect: Dialect, special: str, literals: str, token: str, *, backslashes: bool = False) -> None:
        # Most text is plain runs, simple literals, and one level of parentheses with those in it; taken in one match,
        # rows of INSERT pass at 100 MB/s. Each piece is decided by its first character and every repeat is bounded:
        # the worst case stays linear and the matcher's memory small. No possessive quantifiers: Python 3.11.2, which
        # is Debian 12's, matches them wrongly (gh-100061, gh-106052).
        self.dialect = dialect
        self.backslashes = backslashes
        plain = rf"[^{special}]*"
        simple = rf"{literals}|-(?!-)|/(?!\*)"
        inside = rf"{plain}(?:(?:{simple}){plain}){{0,30}}"
        self.skip = re.compile(rf"{plain}(?:(?:{simple}|\({inside}\)){plain}){{0,30}}")
        self.token = re.compile(token, re.DOTALL)


_POSTGRESQL_TOKEN: Final = rf"(?P<word>{PLAIN_WORD})|\$?[0-9]+|."
_POSTGRESQL: Final = Rules(
    Dialect.POSTGRESQL,
    r"'\"$;()\\/\-",
    r"(?<![eE])'[^']*'|\"[^\"]*\"",  # a quote after e or E may open an escape string: left to be looked at
    _POSTGRESQL_TOKEN,
)
_BACKSLASHES: Final = Rules(
    Dialect.POSTGRESQL, r"'\"$;()\\/\-", r"'[^'\\]*'|\"[^\"]*\"", _POSTGRESQL_TOKEN, backslashes=True
)
_SQLITE: Final = Rules(
    Dialect.SQLITE,
    r"'\"`\[;()\\/\-",
    r"'[^']*'|\"[^\"]*\"|`[^`]*`|\[[^\]]*\]",
    rf"(?P<word>{PLAIN_WORD})|[0-9]+|.",
)


def rules_of(dialect: Dialect, *, backslashes: bool = False) -> Rules:
    """Return the rules of a dialect."""
    if dialect is Dialect.SQLITE:
        return _SQLITE
    return _BACKSLASHES if backslashes else _POSTGRESQL


def run_end(pattern: re.Pattern[str], text: str, position: int) -> int:
    """Return where the run ends that the pattern finds at the position; its start when there is none."""
    found = pattern.match(text, position)
    return found.end() if found else position


def upper(word: str) -> str:
    """Fold as the servers do, ASCII only: `str.upper` would make SAVEPOINT out of a word with a long s."""
    return word.upper() if word.isascii() else word


# ----------------------------------------------------------------------------------------------- literals


def literal_end(text: str, position: int, rules: Rules, run: int, start: int, *, final: bool) -> int:
    """Return the end of the literal at `position`, or one further where there is none.

    The plain text before it began at `run`. `start` is a place between tokens before that: in a `final` text a literal
    that never ends may have opened earlier than `position`, because the run takes 'it''s for a literal and half of
    another.
    """
    if text[position] == "$" and _is_inside_word(text, position, run):
        return run_end(_WORD_REST, text, position)
    try:
        if text[position] == "'" and _has_escapes(prefix := _prefix(text, position, run), rules):
            return _escape_string_end(text, position, position - len(prefix))
        return _end_of_literal(text, position, rules.dialect)
    except Unfinished:
        if not final:
            raise
        for _ in tokens(text, rules.dialect, start, backslashes=rules.backslashes):
            pass  # raises at the place where it really opens
        raise


def _string_end(text: str, quote: int, opens: int, rules: Rules) -> int:
    """Return the end of the string whose prefix, where it has one, begins at `opens`."""
    if _has_escapes(text[opens:quote].lower(), rules):
        return _escape_string_end(text, quote, opens)
    return _end_of_literal(text, quote, rules.dialect)


def _end_of_literal(text: str, position: int, dialect: Dialect) -> int:
    character = text[position]
    if character == "'":
        return _quoted_end(text, position, "a string", "a quote inside a string is written twice: 'it''s'")
    if character == '"' or (character == "`" and dialect is Dialect.SQLITE):
        return _quoted_end(text, position, "a quoted identifier")
    if character == "$" and dialect is Dialect.POSTGRESQL and (tag := _DOLLAR.match(text, position)):
        return _dollar_end(text, position, tag[0])
    if character == "[" and dialect is Dialect.SQLITE:
        if (end := text.find("]", position)) < 0:
            raise Unfinished(position, "a quoted identifier is opened here and never closed: [")
        return end + 1
    return position + 1


def _quoted_end(text: str, position: int, what: str, hint: str | None = None) -> int:
    quote = text[position]
    end = text.find(quote, position + 1)
    while end >= 0 and text.startswith(quote, end + 1):  # doubled: one quote inside
        end = text.find(quote, end + 2)
    if end < 0:
        raise Unfinished(position, f"{what} is opened here and never closed: {quote}", hint)
    return end + 1


def _prefix(text: str, quote: int, floor: int) -> str:
    """Return the one letter that is a word of its own right before the quote, else nothing.

    What is before `floor` is another token.
    """
    if quote > floor and text[quote - 1] in "eEbBxX" and not _is_inside_word(text, quote - 1, floor):
        return text[quote - 1].lower()
    return ""


def _has_escapes(prefix: str, rules: Rules) -> bool:
    """Return whether a backslash escapes in a string of this prefix."""
    return rules.dialect is Dialect.POSTGRESQL and (prefix == "e" or (rules.backslashes and prefix not in ("b", "x")))


def _escape_string_end(text: str, quote: int, opens: int) -> int:
    position = quote + 1
    while True:
        position = run_end(_ESCAPED, text, position)
        if text.startswith("'", position) and not text.startswith("''", position):
            continued = _continuation(text, position + 1)
            if continued is None:
                return position + 1
            position = continued
        elif position >= len(text) - 1:  # the end of the text, or a backslash right before it
            what = "an escape string" if opens < quote else "a string"
            raise Unfinished(opens, f"{what} is opened here and never closed: {text[opens : quote + 1].upper()}")


def _continuation(text: str, position: int) -> int | None:
    """Return where a literal goes on that has ended at the position: past a quote after blanks with a line end.

    Such a piece follows the rules of the first one (manual 4.1.2.1), which matters after E''.
    """
    first = position
    while True:
        position = run_end(_BLANK, text, position)
        if text.startswith("--", position):
            position = comment_end(text, position, Dialect.POSTGRESQL)
        elif text.startswith("'", position) and _LINE_END.search(text, first, position):
            return position + 1
        else:
            return None


def _is_inside_word(text: str, position: int, floor: int) -> bool:
    """Return whether an identifier goes on at the position, as in a$b$; after a number or $1 none does.

    What is before `floor` is another token.
    """
    before = position
    while before > floor and text[before - 1] in "0123456789":
        before -= 1
    if floor < before < position and text[before - 1] == "$":  # a parameter, unless that dollar is in a word itself
        before -= 1
    return before > floor and _WORD_REST.match(text, before - 1) is not None


def _dollar_end(text: str, position: int, tag: str) -> int:
    end = text.find(tag, position + len(tag))
    if end < 0:
        raise Unfinished(position, f"a dollar-quoted string is opened here and never closed: {tag}")
    return end + len(tag)


def comment_end(text: str, position: int, dialect: Dialect) -> int:
    """Return the end of the comment at the position: past its line end, or past its closing mark."""
    if text.startswith("--", position):
        if dialect is Dialect.POSTGRESQL:
            return run_end(_LINE, text, position)
        end = text.find("\n", position)
        return len(text) if end < 0 else end + 1
    if dialect is Dialect.SQLITE:
        if (end := text.find("*/", position + 2)) >= 0:
            return end + 2
        raise Unfinished(position, "a comment is opened here and never closed: /*")
    depth = 1
    for found in _NESTED.finditer(text, position + 2):
        depth += 1 if found[0] == "/*" else -1
        if depth == 0:
            return found.end()
    hint = "comments nest in PostgreSQL: each /* needs its */" if depth > 1 else None
    raise Unfinished(position, "a comment is opened here and never closed: /*", hint)


# ------------------------------------------------------------------------------------------------- tokens


def tokens(
    text: str, dialect: Dialect, start: int = 0, end: int | None = None, *, backslashes: bool = False
) -> Iterator[Token]:
    """Yield the tokens of a piece of SQL that begins and ends between tokens; knows nothing of COPY data.

    Raises `SqlTextError`.
    """
    rules = rules_of(dialect, backslashes=backslashes)
    match = rules.token.match
    end = len(text) if end is None else end
    is_postgresql = dialect is Dialect.POSTGRESQL
    position = start
    while (position := run_end(_BLANK, text, position)) < end and (found := match(text, position)):
        stop, kind = found.end(), Kind.OTHER
        if found.lastgroup == "word":
            kind = Kind.WORD
            if is_postgresql and text.startswith("'", stop) and found[0] in _STRING_PREFIXES:
                stop, kind = _string_end(text, stop, position, rules), Kind.STRING
        elif text.startswith(("--", "/*"), position):
            stop, kind = comment_end(text, position, dialect), Kind.COMMENT
        elif found[0] == "'":
            stop, kind = _string_end(text, position, position, rules), Kind.STRING
        elif found[0] == "$" and is_postgresql:
            # Words and $1 were taken whole, so this dollar opens a literal or stands alone.
            if tag := _DOLLAR.match(text, position):
                stop, kind = _dollar_end(text, position, tag[0]), Kind.STRING
        elif found[0] in '"`[':
            stop = _end_of_literal(text, position, dialect)
            kind = Kind.IDENTIFIER if stop > position + 1 else Kind.OTHER
        yield Token(kind, position, stop)
        position = stop


_STRING_PREFIXES: Final = frozenset("eEbBxX")
