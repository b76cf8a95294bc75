"""The lexer: where the statements of an SQL text begin and end, and what kind they are.

Pure, linear in the length of the text, and exact: every offset is a 0-based character into the text that was given. It
follows PostgreSQL's lexical rules (manual 4.1, src/backend/parser/scan.l) and SQLite's, knows nothing of a statement's
grammar beyond what its end depends on, and lets syntax it does not know pass.
"""

from __future__ import annotations

import enum
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple

from migration_manager.model import Control, Dialect, Statement


class SqlTextError(ValueError):
    """The text ends inside something, or holds what is no SQL; `offset` is where that begins."""

    def __init__(self, offset: int, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message
        self.hint = hint


class Kind(enum.Enum):
    """What a token is, as far as anybody here needs to know."""

    COMMENT = "comment"
    WORD = "word"
    STRING = "string"  # with its prefix and quotes: '...', E'...', $tag$...$tag$
    IDENTIFIER = "quoted identifier"
    OTHER = "other"  # a number's digits, one character of an operator or punctuation
    ROWS = "rows"  # the data of COPY ... FROM stdin, which is no SQL


class Token(NamedTuple):
    """One token; blank space is none."""

    kind: Kind
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Scan:
    """What a text is made of. `psql_lines` are the restrict lines of pg_dump, which no server understands."""

    statements: tuple[Statement, ...]
    psql_lines: tuple[tuple[int, int], ...]


# ------------------------------------------------------------------------------------------ lexical rules

# Blank space is ASCII only: a no-break space is an identifier character to PostgreSQL, so `\s` would be wrong.
_BLANKS: Final = " \t\n\r\f\v"
# What begins and continues an identifier, said by the ASCII that does not: a class up to U+10FFFF takes the compiler of
# `re` 5 ms each.
_LETTER: Final = r"[^\x00-@\[-\^`{-\x7f]"
_LETTER_OR_DIGIT: Final = r"[^\x00-/:-@\[-\^`{-\x7f]"
_WORD_CHARACTER: Final = r"[^\x00-#%-/:-@\[-\^`{-\x7f]"  # with the dollar
_PLAIN_WORD: Final = rf"{_LETTER}{_WORD_CHARACTER}*"

_WORD: Final = re.compile(_PLAIN_WORD)
_BLANK: Final = re.compile(f"[{_BLANKS}]*")
_GAP: Final = re.compile(f"[{_BLANKS};]*")
_OPENING_WORDS: Final = 6
# A word right before a quote is the prefix of a literal (E'', B'', date''), so it does not count.
_WORD_ALONE: Final = rf"{_PLAIN_WORD}(?!{_WORD_CHARACTER}|')"
_OPENING: Final = re.compile(rf"(?:{_WORD_ALONE}[{_BLANKS}]*){{0,{_OPENING_WORDS}}}")
_HEAD: Final = re.compile(rf"[{_BLANKS};]*({_OPENING.pattern})")  # the same, with the gap before it
_NESTED: Final = re.compile(r"/\*|\*/")
_ESCAPED: Final = re.compile(r"[^'\\]*(?:(?:\\.|'')[^'\\]*){0,100}", re.DOTALL)
_DOLLAR: Final = re.compile(rf"\$(?:{_LETTER}{_LETTER_OR_DIGIT}*)?\$")
_WORD_REST: Final = re.compile(rf"{_WORD_CHARACTER}+")
_RESTRICT: Final = re.compile(r"\\(?:un)?restrict[ \t]+[A-Za-z0-9]+[ \t]*(?=\n|\Z)")
_AFTER_COPY: Final = re.compile(r"[ \t]*(?:--[^\n]*)?(?:\n|\Z)")


class _Lexer:
    """The expressions of one dialect: `skip` runs to the next character somebody has to look at."""

    def __init__(self, special: str, literals: str, token: str) -> None:
        # Most text is plain runs, simple literals, and one level of parentheses with those in it; taken in one match,
        # rows of INSERT pass at 100 MB/s. Each piece is decided by its first character and every repeat is bounded:
        # the worst case stays linear and the matcher's memory small. No possessive quantifiers: Python 3.11.2, which
        # is Debian 12's, matches them wrongly (gh-100061, gh-106052).
        plain = rf"[^{special}]*"
        simple = rf"{literals}|-(?!-)|/(?!\*)"
        inside = rf"{plain}(?:(?:{simple}){plain}){{0,30}}"
        self.skip = re.compile(rf"{plain}(?:(?:{simple}|\({inside}\)){plain}){{0,30}}")
        self.token = re.compile(token, re.DOTALL)


_LEXERS: Final = {
    Dialect.POSTGRESQL: _Lexer(
        r"'\"$;()\\/\-",
        r"(?<![eE])'[^']*'|\"[^\"]*\"",  # a quote after e or E may open an escape string: left to be looked at
        rf"(?P<word>{_PLAIN_WORD})|\$?[0-9]+|.",
    ),
    Dialect.SQLITE: _Lexer(
        r"'\"`\[;()\\/\-",
        r"'[^']*'|\"[^\"]*\"|`[^`]*`|\[[^\]]*\]",
        rf"(?P<word>{_PLAIN_WORD})|[0-9]+|.",
    ),
}


# --------------------------------------------------------------------------------------------- statements


def split(text: str, dialect: Dialect) -> tuple[Statement, ...]:
    """Return the top-level statements of a text, in order. Raises `SqlTextError`."""
    return scan(text, dialect).statements


def scan(text: str, dialect: Dialect) -> Scan:
    """Return the statements of a text and the psql lines between them. Raises `SqlTextError`."""
    statements: list[Statement] = []
    psql_lines: list[tuple[int, int]] = []
    head, skip, position = _HEAD.match, _LEXERS[dialect].skip.match, 0
    while True:
        # The usual statement takes two matches: the gap and its first words, then all up to its semicolon. A comment
        # among the first words ends the second one early, so nothing is missed here.
        if (found := head(text, position)) and found[1]:
            words, shape = _words_and_shape(found[1], dialect)
            if shape is _Shape.PLAIN and (rest := skip(text, found.end())) and text.startswith(";", rest.end()):
                position = rest.end() + 1
                statements.append(Statement(found.start(1), position, words))
                continue
        start = _skip_gap(text, position, dialect, psql_lines)
        if start == len(text):
            return Scan(tuple(statements), tuple(psql_lines))
        statements.append(_statement(text, start, dialect))
        position = statements[-1].end


def _statement(text: str, start: int, dialect: Dialect) -> Statement:
    if dialect is Dialect.SQLITE and text[start] == "." and text[start + 1 : start + 2].isalpha():
        message = f"{text[start:].split(maxsplit=1)[0]} is a command of the sqlite3 shell, not SQL"
        raise SqlTextError(start, message, "take it out")
    words, shape = _opening(text, start, dialect)
    if shape is _Shape.COPY:
        return _copy(text, start, words)
    if shape is _Shape.BODY:
        return Statement(start, _body_statement_end(text, start, dialect), words)
    end = _statement_end(text, start, dialect)
    if shape is _Shape.PLAIN:
        return Statement(start, end, words)
    return Statement(start, end, words, *_transaction_control(_texts(text, start, end, dialect), dialect))


class _Shape(enum.Enum):
    """What a statement's first words say about how its end is found."""

    PLAIN = enum.auto()
    BODY = enum.auto()  # semicolons may stand inside: a function's body, a trigger's
    COPY = enum.auto()  # rows may follow
    CONTROL = enum.auto()  # may control the transaction


_CONTROL_WORDS: Final = {
    Dialect.POSTGRESQL: frozenset(
        ["BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "PREPARE"]
    ),
    Dialect.SQLITE: frozenset(["BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE"]),
}


def _skip_gap(text: str, position: int, dialect: Dialect, psql_lines: list[tuple[int, int]]) -> int:
    """Return where the next statement begins, or the text's length."""
    while True:
        position = _run_end(_GAP, text, position)
        if text.startswith(("--", "/*"), position):
            position = _comment_end(text, position, dialect)
        elif text.startswith("\\", position):
            line = _RESTRICT.match(text, position)
            if line is None or text[text.rfind("\n", 0, position) + 1 : position].strip():
                raise _psql_command(text, position)
            psql_lines.append(line.span())
            position = line.end()
        else:
            return position


def _run_end(pattern: re.Pattern[str], text: str, position: int) -> int:
    """Return where the run ends that the pattern finds at the position; its start when there is none."""
    found = pattern.match(text, position)
    return found.end() if found else position


def _opening(text: str, start: int, dialect: Dialect) -> tuple[tuple[str, ...], _Shape]:
    """Return the leading words of a statement and what they say about its shape."""
    end = _run_end(_OPENING, text, start)
    if not text.startswith(("--", "/*"), end):
        return _words_and_shape(text[start:end], dialect)
    words: list[str] = []  # comments between the words: rare, so the slow way
    for token in tokens(text, dialect, start):
        if token.kind is Kind.WORD and len(words) < _OPENING_WORDS:
            words.append(text[token.start : token.end])
        elif token.kind is not Kind.COMMENT:
            break
    return _words_and_shape(" ".join(words), dialect)


@lru_cache(maxsize=1024)  # a file of a million INSERTs has a handful of openings
def _words_and_shape(raw: str, dialect: Dialect) -> tuple[tuple[str, ...], _Shape]:
    words = tuple(_upper(word) for word in _WORD.findall(raw))
    first = words[0] if words else ""
    if first in _CONTROL_WORDS[dialect]:
        return words, _Shape.CONTROL
    if first == "COPY" and dialect is Dialect.POSTGRESQL:
        return words, _Shape.COPY
    return words, _Shape.BODY if first == "CREATE" and _may_have_body(words, dialect) else _Shape.PLAIN


def _may_have_body(words: Sequence[str], dialect: Dialect) -> bool:
    if dialect is Dialect.SQLITE:
        return "TRIGGER" in words[1 : 3 if words[1:2] in (("TEMP",), ("TEMPORARY",)) else 2]
    what = words[3:4] if words[1:3] == ("OR", "REPLACE") else words[1:2]
    return what in (("FUNCTION",), ("PROCEDURE",), ("SCHEMA",))  # CREATE SCHEMA takes CREATEs as its elements


def _upper(word: str) -> str:
    """Fold as the servers do, ASCII only: `str.upper` would make SAVEPOINT out of a word with a long s."""
    return word.upper() if word.isascii() else word


def _statement_end(text: str, start: int, dialect: Dialect) -> int:
    """Return the end of the statement at `start`: past its semicolon, or past its last character."""
    skip = _LEXERS[dialect].skip
    position, solid, depth, opened = start, start, 0, start
    while True:
        run, position = position, _run_end(skip, text, position)
        if written := text[run:position].rstrip(_BLANKS):
            solid = run + len(written)
        if position == len(text):
            break
        character = text[position]
        if text.startswith(("--", "/*"), position):
            position = _comment_end(text, position, dialect)
            continue
        if character == ";" and depth == 0:
            return position + 1
        if character == "(":
            opened = position if depth == 0 else opened
            depth += 1
        elif character == ")":
            depth = max(0, depth - 1)
        elif character == "\\":
            raise _psql_command(text, position)
        position = solid = _literal_end(text, position, dialect, run, start)
    if depth:
        raise _unclosed_parenthesis(opened)
    return solid


def _unclosed_parenthesis(offset: int) -> SqlTextError:
    return SqlTextError(offset, "a parenthesis is opened here and never closed")


def _literal_end(text: str, position: int, dialect: Dialect, run: int, start: int) -> int:
    """Return the end of the literal at `position`, or one further where there is none.

    The plain text before it began at `run`. `start` is a place between tokens before that: a literal that never ends
    may have opened earlier than `position`, because the run takes 'it''s for a literal and half of another.
    """
    if text[position] == "$" and _is_inside_word(text, position, run):
        return _run_end(_WORD_REST, text, position)
    try:
        if text[position] == "'" and dialect is Dialect.POSTGRESQL and _opens_escape_string(text, position, run):
            return _escape_string_end(text, position)
        return _end_of_literal(text, position, dialect)
    except SqlTextError:
        for _ in tokens(text, dialect, start):
            pass  # raises at the place where it really opens
        raise


def _end_of_literal(text: str, position: int, dialect: Dialect) -> int:
    character = text[position]
    if character == "'":
        return _string_end(text, position)
    if character == '"' or (character == "`" and dialect is Dialect.SQLITE):
        return _quoted_end(text, position, "a quoted identifier")
    if character == "$" and dialect is Dialect.POSTGRESQL and (tag := _DOLLAR.match(text, position)):
        return _dollar_end(text, position, tag[0])
    if character == "[" and dialect is Dialect.SQLITE:
        if (end := text.find("]", position)) < 0:
            raise SqlTextError(position, "a quoted identifier is opened here and never closed: [")
        return end + 1
    return position + 1


def _string_end(text: str, position: int) -> int:
    return _quoted_end(text, position, "a string", "a quote inside a string is written twice: 'it''s'")


def _quoted_end(text: str, position: int, what: str, hint: str | None = None) -> int:
    quote = text[position]
    end = text.find(quote, position + 1)
    while end >= 0 and text.startswith(quote, end + 1):  # doubled: one quote inside
        end = text.find(quote, end + 2)
    if end < 0:
        raise SqlTextError(position, f"{what} is opened here and never closed: {quote}", hint)
    return end + 1


def _opens_escape_string(text: str, quote: int, floor: int) -> bool:
    """Return whether the word before the quote is an E. What is before `floor` is another token."""
    return quote > floor and text[quote - 1] in "eE" and not _is_inside_word(text, quote - 1, floor)


def _escape_string_end(text: str, quote: int) -> int:
    position = quote + 1
    while True:
        position = _run_end(_ESCAPED, text, position)
        if text.startswith("'", position) and not text.startswith("''", position):
            continued = _continuation(text, position + 1)
            if continued is None:
                return position + 1
            position = continued
        elif position >= len(text) - 1:  # the end of the text, or a backslash right before it
            raise SqlTextError(quote - 1, "an escape string is opened here and never closed: E'")


def _continuation(text: str, position: int) -> int | None:
    """Return where a literal goes on that has ended at the position: past a quote after blanks with a line end.

    Such a piece follows the rules of the first one (manual 4.1.2.1), which matters after E''.
    """
    first = position
    while True:
        position = _run_end(_BLANK, text, position)
        if text.startswith("--", position):
            position = _comment_end(text, position, Dialect.POSTGRESQL)
        elif text.startswith("'", position) and "\n" in text[first:position]:
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
        raise SqlTextError(position, f"a dollar-quoted string is opened here and never closed: {tag}")
    return end + len(tag)


def _comment_end(text: str, position: int, dialect: Dialect) -> int:
    if text.startswith("--", position):
        end = text.find("\n", position)
        return len(text) if end < 0 else end + 1
    if dialect is Dialect.SQLITE:
        if (end := text.find("*/", position + 2)) >= 0:
            return end + 2
        raise SqlTextError(position, "a comment is opened here and never closed: /*")
    depth = 1
    for found in _NESTED.finditer(text, position + 2):
        depth += 1 if found[0] == "/*" else -1
        if depth == 0:
            return found.end()
    hint = "comments nest in PostgreSQL: each /* needs its */" if depth > 1 else None
    raise SqlTextError(position, "a comment is opened here and never closed: /*", hint)


def _body_statement_end(text: str, start: int, dialect: Dialect) -> int:
    """Return the end of a statement that may have a body with semicolons of its own.

    Every statement of a body ends in a semicolon, so the END that closes it is the one right after a semicolon (or
    after ATOMIC): CASE ... END, `t.end` and `AS end` need no counting. SQLite's `sqlite3_complete` does the same.
    """
    solid, depth, opened, body = start, 0, start, -1
    before, last = "", ""  # the two tokens before this one: words in upper case, else the first character
    for token in tokens(text, dialect, start):
        if token.kind is Kind.COMMENT:
            continue
        word = _upper(text[token.start : token.end]) if token.kind is Kind.WORD else text[token.start]
        if word == "(":
            opened = token.start if depth == 0 else opened
            depth += 1
        elif word == ")":
            depth = max(0, depth - 1)
        elif word == "\\":
            raise _psql_command(text, token.start)
        elif depth == 0 and body < 0:
            if word == ";":
                return token.end
            if _begins_body(word, last, before, dialect):
                body = token.start
        elif depth == 0 and word == "END" and last in (";", "ATOMIC"):
            return _statement_end(text, token.end, dialect)
        before, last, solid = last, word, token.end
    if body >= 0:
        hint = "every statement of the body ends in a semicolon, and END follows the last one"
        raise SqlTextError(body, "a body begins here and has no END", hint)
    if depth:
        raise _unclosed_parenthesis(opened)
    return solid


def _begins_body(word: str, last: str, before: str, dialect: Dialect) -> bool:
    if dialect is Dialect.SQLITE:
        return word == "BEGIN"
    return word == "ATOMIC" and last == "BEGIN" and before != "."


# --------------------------------------------------------------------------------------------------- COPY


class CopyDirection(enum.Enum):
    """Which way a COPY moves rows between the server and the client."""

    IN = "from stdin"
    OUT = "to stdout"


def _copy(text: str, start: int, words: tuple[str, ...]) -> Statement:
    end = _statement_end(text, start, Dialect.POSTGRESQL)
    statement = Statement(start, end, words)
    if copy_direction(text, statement) is not CopyDirection.IN:
        return statement
    line = _AFTER_COPY.match(text, end)
    if line is None:
        hint = "the rows begin on the next line, and a line with nothing but \\. ends them"
        raise SqlTextError(end, "something follows COPY … FROM stdin; on its line", hint)
    rows = line.end()
    stop = _rows_end(text, rows)
    if stop is None:
        hint = "the rows follow the statement, and a line with nothing but \\. ends them"
        raise SqlTextError(start, "the rows of this COPY … FROM stdin have no end", hint)
    return Statement(start, min(stop + 3, len(text)), words, copy_data=(rows, stop))


def _rows_end(text: str, rows: int) -> int | None:
    r"""Return where the first line is that is exactly `\.`, as psql does in every format; None when there is none."""
    if rows == len(text):
        return None
    before = rows - 1  # the line end before the rows
    while (before := text.find("\n\\.", before)) >= 0:
        if text[before + 3 : before + 4] in ("\n", ""):
            return before + 1
        before += 1
    return None


def copy_direction(text: str, statement: Statement) -> CopyDirection | None:
    """Return whether a statement copies from or to the client; None when it does neither."""
    if statement.words[:1] != ("COPY",):
        return None
    depth, last = 0, ""
    for token in tokens(text, Dialect.POSTGRESQL, statement.start, _sql_end(statement)):
        if token.kind is Kind.COMMENT:
            continue
        word = _upper(text[token.start : token.end])
        if word in ("(", ")"):
            depth += 1 if word == "(" else -1
        # The grammar takes both words in both directions; FROM and TO say which way the rows go.
        elif depth == 0 and word in ("STDIN", "STDOUT") and last in ("FROM", "TO"):
            return CopyDirection.IN if last == "FROM" else CopyDirection.OUT
        last = word
    return None


def is_binary_copy(text: str, statement: Statement) -> bool:
    """Return whether a COPY asks for the binary format, which no text file can hold."""
    found = _texts(text, statement.start, _sql_end(statement), Dialect.POSTGRESQL)
    client = max((at for at, word in enumerate(found) if word in ("STDIN", "STDOUT")), default=0)
    return "BINARY" in (*found[1:2], *(option.strip("'").upper() for option in found[client:]))


def _sql_end(statement: Statement) -> int:
    return statement.copy_data[0] if statement.copy_data else statement.end


# ------------------------------------------------------------------------------------ transaction control


def _texts(text: str, start: int, end: int, dialect: Dialect) -> list[str]:
    """Return the tokens of a statement without comments and semicolon; words in upper case."""
    found = [
        _upper(text[token.start : token.end]) if token.kind is Kind.WORD else text[token.start : token.end]
        for token in islice(tokens(text, dialect, start, end), _ENOUGH_TOKENS)
        if token.kind is not Kind.COMMENT
    ]
    return found[:-1] if found[-1:] == [";"] else found


_ENOUGH_TOKENS: Final = 1000  # whatever has to be told apart is told apart by then


def _transaction_control(found: Sequence[str], dialect: Dialect) -> tuple[Control | None, bool]:
    """Return how a statement controls the transaction, and whether it does so without any option."""
    first, rest = found[0], list(found[1:])
    if first in ("SAVEPOINT", "RELEASE"):
        return Control.SAVEPOINT, False
    if first == "PREPARE":  # PREPARE transaction AS and PREPARE transaction (int) AS name a statement
        is_control = rest[:1] == ["TRANSACTION"] and rest[1:2] not in (["AS"], ["("])
        return (Control.PREPARE if is_control else None), False
    if first == "START":
        return (Control.BEGIN, len(rest) == 1) if rest[:1] == ["TRANSACTION"] else (None, False)
    if rest[:1] == ["PREPARED"]:
        return Control.PREPARE, False
    if first == "BEGIN" and dialect is Dialect.SQLITE and rest[:1] in (["DEFERRED"], ["IMMEDIATE"], ["EXCLUSIVE"]):
        del rest[0]
    if rest[:1] == ["TRANSACTION"] or (rest[:1] == ["WORK"] and dialect is Dialect.POSTGRESQL):
        del rest[0]
    if first == "BEGIN":
        return Control.BEGIN, not rest
    if first in ("COMMIT", "END"):
        return Control.COMMIT, not rest or rest == ["AND", "NO", "CHAIN"]
    # SQLite takes ROLLBACK TRANSACTION name TO savepoint, too; the name means nothing.
    return (Control.SAVEPOINT, False) if "TO" in rest[:2] else (Control.ROLLBACK, not rest)


# Statements that PostgreSQL refuses in a transaction block (25001), by their leading words; measured on 15 and 18
# (RELIABILITY B7). Never the only truth: the server has the last word, and what it says of DROP SUBSCRIPTION depends
# on the subscription's slot.
TRANSACTION_REFUSERS: Final = (
    ("CREATE", "DATABASE"),
    ("DROP", "DATABASE"),
    ("CREATE", "TABLESPACE"),
    ("DROP", "TABLESPACE"),
    ("VACUUM",),
    ("ALTER", "SYSTEM"),
    ("CREATE", "INDEX", "CONCURRENTLY"),
    ("CREATE", "UNIQUE", "INDEX", "CONCURRENTLY"),
    ("DROP", "INDEX", "CONCURRENTLY"),
    ("REINDEX", "INDEX", "CONCURRENTLY"),
    ("REINDEX", "TABLE", "CONCURRENTLY"),
    ("REINDEX", "SCHEMA"),
    ("REINDEX", "DATABASE"),
    ("REINDEX", "SYSTEM"),
    ("DISCARD", "ALL"),
)
# What SQLite silently ignores inside a transaction (foreign_keys) or refuses there (journal_mode to and from WAL).
SQLITE_PRAGMAS: Final = frozenset({"FOREIGN_KEYS", "JOURNAL_MODE"})
_OFF: Final = (["FALSE"], ["OFF"], ["0"])


def refuses_transaction(text: str, statement: Statement, dialect: Dialect) -> bool:
    """Return whether the database is known to refuse, or to ignore, this statement inside a transaction."""
    words = statement.words
    if dialect is Dialect.SQLITE:
        return words[:1] == ("VACUUM",) or (
            words[:1] == ("PRAGMA",) and _sets_pragma(_values(text, statement, dialect))
        )
    if words[:1] not in _REFUSERS_BEGIN:
        return False
    if any(words[: len(refuser)] == refuser for refuser in TRANSACTION_REFUSERS):
        return True
    look_closer = _LOOK_CLOSER.get(words[:2]) or _LOOK_CLOSER.get(words[:1])
    return look_closer is not None and look_closer(_values(text, statement, dialect))


def _values(text: str, statement: Statement, dialect: Dialect) -> list[str]:
    """Return the tokens with their quotes off, in upper case: option values may be written either way."""
    return [piece.strip("'\"").upper() for piece in _texts(text, statement.start, _sql_end(statement), dialect)]


def _sets_pragma(found: Sequence[str]) -> bool:
    name = 3 if found[2:3] == ["."] else 1  # PRAGMA main.journal_mode
    return found[name] in SQLITE_PRAGMAS and found[name + 1 : name + 2] in (["="], ["("]) if found[name:] else False


def _clusters_everything(found: Sequence[str]) -> bool:
    rest = [word for word in found[1:] if word != "VERBOSE"]
    return not rest or (rest[0] == "(" and rest[-1] == ")")


def _reindexes_alone(found: Sequence[str]) -> bool:
    if found[1:2] != ["("] or ")" not in found:
        return False
    close = found.index(")")
    options, target = found[2:close], found[close + 1 :]
    if target[:1] in (["SCHEMA"], ["DATABASE"], ["SYSTEM"]) or target[1:2] == ["CONCURRENTLY"]:
        return True
    return "CONCURRENTLY" in options and options[options.index("CONCURRENTLY") + 1 :][:1] not in _OFF


def _detaches_concurrently(found: Sequence[str]) -> bool:
    return "DETACH" in found and found[-1] == "CONCURRENTLY"


def _moves_database(found: Sequence[str]) -> bool:
    return found[-3:-1] == ["SET", "TABLESPACE"]


def _makes_slot(found: Sequence[str]) -> bool:
    """CREATE SUBSCRIPTION makes a replication slot unless its options say otherwise."""
    return not any(
        option in found and [value for value in found[found.index(option) + 1 :][:2] if value != "="][:1] in _OFF
        for option in ("CREATE_SLOT", "CONNECT")
    )


_LOOK_CLOSER: Final = {
    ("CLUSTER",): _clusters_everything,
    ("CLUSTER", "VERBOSE"): _clusters_everything,
    ("REINDEX",): _reindexes_alone,
    ("ALTER", "TABLE"): _detaches_concurrently,
    ("ALTER", "DATABASE"): _moves_database,
    ("CREATE", "SUBSCRIPTION"): _makes_slot,
}


_REFUSERS_BEGIN: Final = frozenset(words[:1] for words in (*TRANSACTION_REFUSERS, *_LOOK_CLOSER))


# ------------------------------------------------------------------------------------------------- tokens


def tokens(text: str, dialect: Dialect, start: int = 0, end: int | None = None) -> Iterator[Token]:
    """Yield the tokens of a piece of SQL that begins and ends between tokens; slower than `scan`, and sees more.

    Knows nothing of COPY data: give it pieces that hold none. Raises `SqlTextError`.
    """
    match = _LEXERS[dialect].token.match
    end = len(text) if end is None else end
    position = start
    while (position := _run_end(_BLANK, text, position)) < end and (found := match(text, position)):
        stop, kind = found.end(), Kind.OTHER
        if found.lastgroup == "word":
            kind = Kind.WORD
            if dialect is Dialect.POSTGRESQL and text.startswith("'", stop) and found[0] in ("e", "E"):
                stop, kind = _escape_string_end(text, stop), Kind.STRING
        elif text.startswith(("--", "/*"), position):
            stop, kind = _comment_end(text, position, dialect), Kind.COMMENT
        elif found[0] == "'":
            stop, kind = _string_end(text, position), Kind.STRING
        elif found[0] == "$" and dialect is Dialect.POSTGRESQL:
            # Words and $1 were taken whole, so this dollar opens a literal or stands alone.
            if tag := _DOLLAR.match(text, position):
                stop, kind = _dollar_end(text, position, tag[0]), Kind.STRING
        elif found[0] in '"`[':
            stop = _end_of_literal(text, position, dialect)
            kind = Kind.IDENTIFIER if stop > position + 1 else Kind.OTHER
        yield Token(kind, position, stop)
        position = stop


def tokens_at(
    text: str, dialect: Dialect, statements: Sequence[Statement], offsets: Iterable[int]
) -> Iterator[Token | None]:
    """Yield for each offset, given in rising order, the token that covers it; None for blank space.

    Reads only the statements and gaps again that hold an offset.
    """
    starts = [statement.start for statement in statements]
    limit = -1
    stream: Iterator[Token] = iter(())
    current: Token | None = None
    for offset in offsets:
        if offset >= limit:
            start, limit, is_rows = _piece(statements, starts, offset, len(text))
            stream = iter([Token(Kind.ROWS, start, limit)]) if is_rows else tokens(text, dialect, start, limit)
            current = next(stream, None)
        while current is not None and current.end <= offset:
            current = next(stream, None)
        yield current if current is not None and current.start <= offset else None


def _piece(statements: Sequence[Statement], starts: Sequence[int], offset: int, length: int) -> tuple[int, int, bool]:
    """Return the bounds of the statement, the rows or the gap at the offset, and whether it is rows."""
    number = bisect_right(starts, offset)
    after = starts[number] if number < len(starts) else length
    if number == 0:
        return 0, after, False
    statement = statements[number - 1]
    if offset >= statement.end:
        return statement.end, after, False
    rows = _sql_end(statement)
    return (rows, statement.end, True) if offset >= rows else (statement.start, rows, False)


def without_comments(text: str, dialect: Dialect) -> str:
    """Return the statements without comments, their blank space folded: texts equal in this differ only in those.

    A text that cannot be read comes back as it is. What pg_dump wrote for psql counts as a comment.
    """
    try:
        return "\n".join(_without_comments(text, statement, dialect) for statement in split(text, dialect))
    except SqlTextError:
        return text


def _without_comments(text: str, statement: Statement, dialect: Dialect) -> str:
    pieces: list[str] = []
    last: Token | None = None
    for token in tokens(text, dialect, statement.start, _sql_end(statement)):
        if token.kind is Kind.COMMENT:
            continue
        if last is not None and last.end < token.start:
            pieces.append(_separator(text, last, token))
        pieces.append(text[token.start : token.end])
        last = token
    if pieces[-1] != ";":
        pieces.append(";")  # whether the last statement has one makes no difference
    if statement.copy_data:
        pieces += ["\n", text[slice(*statement.copy_data)]]
    return "".join(pieces)


def _separator(text: str, last: Token, token: Token) -> str:
    if text[last.start] in "(,;" or text[token.start] in "),;":
        return ""
    # 'a' and 'b' on two lines are one literal, on one line a syntax error (manual 4.1.2.1).
    is_continued = last.kind is token.kind is Kind.STRING and "\n" in text[last.end : token.start]
    return "\n" if is_continued else " "


# --------------------------------------------------------------------------------------------- psql's own

_PSQL_ADVICE: Final = {
    ("i", "ir", "include", "include_relative"): "split it into migrations, or put its text here",
    ("copy",): "write COPY … FROM stdin; with the rows in this file and a line \\. after them",
    ("set", "unset", "gset", "prompt", "getenv", "setenv"): "write the value itself into the SQL",
    ("c", "connect"): "a migration runs on its environment's database; another database has its own migrations",
    ("!", "cd"): "a migration holds SQL only; run commands before or after it",
    ("gexec",): "write a DO block that runs EXECUTE for each row",
    ("echo", "qecho", "warn"): "write a comment, or RAISE NOTICE in a DO block",
    ("if", "elif", "else", "endif"): "write the condition in a DO block",
    ("g", "gx", "gdesc", "crosstabview", "watch", ";"): "end the statement with a semicolon",
    ("encoding",): "take it out: migration files are UTF-8",
    (".",): "\\. ends the rows of COPY … FROM stdin; and there are none here",
    ("restrict", "unrestrict"): "pg_dump writes it on a line of its own, between statements, with a key",
}
_ADVICE: Final = {name: advice for names, advice in _PSQL_ADVICE.items() for name in names}
_COMMAND: Final = re.compile(r"\\([A-Za-z_]+|[^\s]?)")


def _psql_command(text: str, position: int) -> SqlTextError:
    found = _COMMAND.match(text, position)
    name = found[1] if found else ""
    if not name:
        return SqlTextError(position, "a backslash stands outside any literal", "SQL has none there; take it out")
    return SqlTextError(position, f"\\{name} is a command of psql, not SQL", _ADVICE.get(name, "take it out"))
