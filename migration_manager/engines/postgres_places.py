"""Where in a script the server means: a statement, a line of a body, a row of a COPY.

The server says which statement of a message failed, and in CONTEXT the line of a body or of the rows. CONTEXT is
translated, so that only its names and numbers count here (src/pl/plpgsql/src/pl_exec.c, commands/copyfrom.c).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final, NamedTuple

from migration_manager.engines.postgres_wire import Said
from migration_manager.errors import FileError
from migration_manager.locate import locate
from migration_manager.messages import Message, one_by_one, statements_of
from migration_manager.model import Dialect, Script, Statement
from migration_manager.sqltext import Kind, SqlTextError, copy_format, statement_tokens, statements_in, tokens

# `PL/pgSQL function inline_code_block line 3 at RAISE`, `PL/pgSQL function s."F g"(integer) line 3 at IF`
_PART: Final = r'(?:"(?:[^"\n]|"")*"|[^\s()".]+)'
_BODY: Final = re.compile(
    rf"^[^\n]*?PL/pgSQL[^\n]*?(?:inline_code_block|(?P<name>(?:{_PART}\.)?{_PART})\((?P<types>[^\n]*?)\))[^\d\n]*(?P<line>\d+)",
    re.MULTILINE,
)
# `SQL function "f" statement 2`
_SQL_BODY: Final = re.compile(r'^SQL[^\n"]*"(?P<name>[^"\n]+)"[^\d\n"]+(?P<number>\d+)$', re.MULTILINE)
# `COPY t, line 3, column n: "x"`, `COPY t, line 3: "1	2"`, `COPY t, line 3`: what follows the table's name
_ROW: Final = re.compile(r"[,\u3001\uff0c]\s*\D*?(?P<line>\d+)(?:[^\"\n]*\"(?P<value>[^\n]*)\")?")
_DELIMITER: Final = re.compile(r"\$[^$]*\$|[eEuU]?&?'")
_SEARCHED: Final = 16 * 1024 * 1024  # bytes; in a longer script a function's definition is not looked for


class Places:
    """The places of one script; what was looked up is kept while a message runs."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._message: Message | None = None
        self._statements: tuple[Statement, ...] = ()
        self._functions: list[_Function] | None = None  # those the script makes, looked up when one is asked for

    def statement(self, message: Message, number: int) -> Statement | None:
        """Return a statement of a message by its number from 0, its offsets into the message's text; None beyond."""
        if self._message is not message:
            self._message = message
            self._statements = statements_of(message, self._script.dialect)
        return self._statements[number] if number < len(self._statements) else None

    def offset(self, message: Message, number: int, said: Said, *, in_rows: bool = True) -> int | None:
        """Return the place in the whole script: in a body or in rows where the server says so, else the statement.

        Without `in_rows` the rows are not looked through, which reads the file again.
        """
        statement = self.statement(message, number)
        if statement is None:
            return None
        start = message.batch.start + statement.start
        place = None
        with suppress(FileError):  # it is another file by now: what the server said matters more than where
            if statement.takes_rows and in_rows:
                place = self._in_rows(message, statement, said.context)
            else:
                place = self._in_body(message, statement, said)
        return start if place is None else place

    def line(self, offset: int) -> int | None:
        """Return the 1-based line of a place; None where the file is another one by now."""
        with suppress(FileError):
            return locate(self._script.source.read(), offset).line
        return None

    # ---------------------------------------------------------------------------------------- bodies

    def _in_body(self, message: Message, statement: Statement, said: Said) -> int | None:
        """Return the innermost place that is in this script."""
        if said.query and said.position is not None:  # of a body that is looked at while its function is made
            for start, body in _strings(message.text, statement):
                if body == said.query:
                    return message.batch.start + start + said.position
        for found in _BODY.finditer(said.context):
            start, body = self._body(message, statement, found["name"], found["types"])
            if body:
                # What is innermost alone is where the query inside is.
                query = said if found.start() == 0 or said.context.startswith(("SQL", '"')) else Said("")
                return start + _line_of_body(body, int(found["line"]), query)
        for found in _SQL_BODY.finditer(said.context):
            start, body = self._body(message, statement, found["name"], None)
            numbered = _statements_of_body(body)
            if 0 < int(found["number"]) <= len(numbered):
                return start + numbered[int(found["number"]) - 1].start
        return None

    def _body(self, message: Message, statement: Statement, name: str | None, types: str | None) -> tuple[int, str]:
        """Return where a body begins and its text; an empty one where it is not known to be in this script.

        `name` and `types` are how the server writes the function's; without a name it is the DO block's own body.
        """
        if name is None:
            bodies = list(_strings(message.text, statement)) if statement.words[:1] == ("DO",) else []
            return (message.batch.start + bodies[0][0], bodies[0][1]) if bodies else (0, "")
        if self._functions is None:
            is_short = self._script.source.size <= _SEARCHED
            self._functions = list(_functions(self._script)) if is_short else []
        here, wanted = message.batch.start + statement.start, _parts(name)
        known = 1 if types is None else 2  # of the parts of a name: CONTEXT has an SQL function's without its schema
        same = [
            function
            for function in self._functions
            if function.made < here and function.name[-known:] == wanted[-known:]
        ]
        if not same or len({function.parameters for function in same}) > 1 or not _fit(same[-1].parameters, types):
            return 0, ""  # the place of the call is better than that of another function
        return same[-1].start, same[-1].body

    # ------------------------------------------------------------------------------------------ rows

    def _in_rows(self, message: Message, copy: Statement, context: str) -> int | None:
        """Return the place of a row, and in it of the value where that is unique; None where it is not certain."""
        told = f"COPY {_copied(message.text, copy)}"
        at = context.find(told)
        found = _ROW.match(context, at + len(told)) if at >= 0 else None
        if found is None or message.batch.rows is None:
            return None
        is_csv = copy_format(message.text, copy) == "csv"
        shown = (found["value"] or "").removesuffix("...")
        for offset, text in _record(self._script.source.read(), message.batch.rows, int(found["line"]), is_csv=is_csv):
            if shown in text:
                return offset + (text.index(shown) if shown and text.count(shown) == 1 else 0)
        return None


def _copied(text: str, copy: Statement) -> str:
    """Return the name of the table that a COPY fills, without its schema, as the server knows it."""
    name = ""
    for token in statement_tokens(text, copy, Dialect.POSTGRESQL):
        piece = text[token.start : token.end]
        if piece == "(" or (name and piece.upper() == "FROM"):
            break
        if token.kind in (Kind.WORD, Kind.IDENTIFIER) and piece.upper() not in ("COPY", "BINARY"):
            name = _folded(piece)
    return name


def _record(chunks: Iterable[str], rows: tuple[int, int], number: int, *, is_csv: bool) -> Iterator[tuple[int, str]]:
    """Yield the lines, with their offsets, that the server counts as the record of a number, from 1.

    It does not count a line end after a backslash, nor in CSV those inside of the first record, whose kind of line end
    it does not know yet (src/backend/commands/copyfromparse.c).
    """
    counted, goes_on = 0, False
    for offset, text in _lines(chunks, rows):
        counted += not goes_on
        if counted > number:
            return
        if counted == number:
            yield offset, text
        if is_csv:
            goes_on = counted == 1 and (text.count('"') % 2 == 1) != goes_on
        else:
            goes_on = (len(text) - len(text.rstrip("\\"))) % 2 == 1


def _lines(chunks: Iterable[str], rows: tuple[int, int]) -> Iterator[tuple[int, str]]:
    """Yield the lines of the rows, without their ends, and where each begins."""
    at, begin, rest = 0, rows[0], ""
    for chunk in chunks:
        piece = chunk[max(rows[0] - at, 0) : max(rows[1] - at, 0)]
        at += len(chunk)
        *whole, rest = (rest + piece).split("\n")
        for line in whole:
            yield begin, line
            begin += len(line) + 1
        if at >= rows[1]:
            break
    if rest:
        yield begin, rest


def _line_of_body(body: str, line: int, said: Said) -> int:
    """Return where a line of a body has its first character, or in it the place of the query that was running."""
    start = 0
    for _ in range(line - 1):
        start = body.find("\n", start) + 1 or start
    if said.query and said.position is not None and (at := body.find(said.query, start)) >= 0:
        return at + said.position
    return start + len(body[start:]) - len(body[start:].lstrip(" \t"))


def _strings(text: str, statement: Statement) -> Iterator[tuple[int, str]]:
    """Yield what is inside of a statement's string literals, and where that begins."""
    bounds = tokens(text, Dialect.POSTGRESQL, statement.start, statement.end, backslashes=statement.backslashes)
    for token in bounds:
        if token.kind is Kind.STRING and (opening := _DELIMITER.match(text, token.start)):
            closing = len(opening[0]) if opening[0].startswith("$") else 1
            yield opening.end(), text[opening.end() : token.end - closing]


class _Function(NamedTuple):
    """A function or procedure that a script makes: where, how it is called, and where its body is."""

    made: int
    name: tuple[str, ...]
    parameters: tuple[str, ...]  # in small letters, without those that only give back
    start: int
    body: str


def _functions(script: Script) -> Iterator[_Function]:
    for message in one_by_one(script):
        made = [
            statement
            for statement in statements_of(message, script.dialect)
            if statement.words[:1] == ("CREATE",) and {"FUNCTION", "PROCEDURE"} & set(statement.words[1:4])
        ]
        bodies = list(_strings(message.text, made[0])) if len(made) == 1 else []
        if bodies:  # the longest: a default or a SET may be a string, too
            start, body = max(bodies, key=lambda found: len(found[1]))
            name, parameters = _signature(message.text)
            yield _Function(message.batch.start, name, parameters, message.batch.start + start, body)


def _signature(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the name that CREATE FUNCTION gives, without the schema everybody finds, and the parameters it takes."""
    name: list[str] = []
    parameters = [""]
    depth = 0
    for token in tokens(text, Dialect.POSTGRESQL):
        piece = text[token.start : token.end]
        if token.kind is Kind.COMMENT:
            continue
        depth += {"(": 1, ")": -1}.get(piece, 0)
        if depth == 0 and piece == ")":
            break
        if depth == 1 and piece == ",":
            parameters.append("")
        elif depth == 0:
            name = [*name, piece] if piece == "." or name[-1:] == ["."] else [piece]
        elif piece != "(" or depth > 1:
            parameters[-1] += piece.lower() + " "
    takes = tuple(one.strip() for one in parameters if one.strip() and not one.startswith("out "))
    parts = tuple(_folded(part) for part in name if part != ".")
    return (parts[1:] if parts[:1] == ("public",) and len(parts) > 1 else parts), takes


# How the server writes the types that people write otherwise.
_TYPES: Final = {
    "integer": ("int", "int4", "serial"), "bigint": ("int8",), "smallint": ("int2",), "boolean": ("bool",),
    "character varying": ("varchar",), "character": ("char",), "real": ("float4",), "numeric": ("decimal",),
    "double precision": ("float", "float8"), "timestamp with time zone": ("timestamptz",),
    "timestamp without time zone": ("timestamp",), "time with time zone": ("timetz",),
    "time without time zone": ("time",),
}  # fmt: skip


def _fit(parameters: tuple[str, ...], types: str | None) -> bool:
    """Return whether parameters as they are written may be of these types, as the server writes them."""
    if types is None:
        return True
    wanted = types.split(",") if types else []
    return len(wanted) == len(parameters) and all(
        any(spelling in written for spelling in (kind, *_TYPES.get(kind, ())))
        for kind, written in zip(
            (kind.strip().removesuffix("[]").rpartition(".")[2] for kind in wanted), parameters, strict=True
        )
    )


def _parts(name: str) -> tuple[str, ...]:
    """Return the parts of a name as the server writes it."""
    parts = tuple(_folded(part) for part in re.findall(_PART, name))
    return parts[1:] if parts[:1] == ("public",) and len(parts) > 1 else parts


def _folded(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def _statements_of_body(body: str) -> tuple[Statement, ...]:
    try:
        return statements_in(body, Dialect.POSTGRESQL, backslashes=False) if body else ()
    except SqlTextError:
        return ()
