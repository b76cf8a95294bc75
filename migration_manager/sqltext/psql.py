r"""What only psql understands: its backslash commands, and the advice for each.

Of all of them only the `\restrict` and `\unrestrict` lines that pg_dump writes are let pass.
"""

from __future__ import annotations

import re
from typing import Final

from migration_manager.sqltext.lexical import SqlTextError, Unfinished

_ADVICE_FOR: Final = {
    ("i", "ir", "include", "include_relative"): "split it into migrations, or put its text here",
    ("copy",): "write COPY … FROM stdin; with the rows in this file and a line \\. after them",
    ("set", "unset", "gset", "prompt", "getenv", "setenv"): "write the value itself into the SQL",
    ("c", "connect"): "a migration runs on its environment's database: dump without --create, which writes it",
    ("!", "cd"): "a migration holds SQL only; run commands before or after it",
    ("gexec",): "write a DO block that runs EXECUTE for each row",
    ("echo", "qecho", "warn"): "write a comment, or RAISE NOTICE in a DO block",
    ("if", "elif", "else", "endif"): "write the condition in a DO block",
    ("g", "gx", "gdesc", "crosstabview", "watch", ";"): "end the statement with a semicolon",
    ("encoding",): "take it out: migration files are UTF-8",
    (".",): "\\. ends the rows of COPY … FROM stdin; and there are none here",
    ("restrict", "unrestrict"): "pg_dump writes it on a line of its own, between statements, with a key",
}
_ADVICE: Final = {name: advice for names, advice in _ADVICE_FOR.items() for name in names}
_COMMAND: Final = re.compile(r"\\([A-Za-z_]+|[^\s]?)")
_RESTRICT: Final = re.compile(r"\\(?:un)?restrict[ \t]+[A-Za-z0-9]+[ \t\r]*(?=\n|\Z)")


def restrict_line_end(text: str, position: int, *, final: bool) -> int:
    """Return the end of the restrict line at the position; raises `SqlTextError` for any other command of psql."""
    if not final and text.find("\n", position) < 0:
        raise Unfinished(position, "a command of psql")
    line = _RESTRICT.match(text, position)
    if line is None or text[text.rfind("\n", 0, position) + 1 : position].strip():
        raise psql_command(text, position, final=final)
    return line.end()


def psql_command(text: str, position: int, *, final: bool) -> SqlTextError:
    """Return the error for a backslash outside any literal."""
    found = _COMMAND.match(text, position)
    name = found[1] if found else ""
    if not final and (found is None or found.end() == len(text)):
        return Unfinished(position, "a command of psql")
    if not name:
        return SqlTextError(position, "a backslash stands outside any literal", "SQL has none there; take it out")
    return SqlTextError(position, f"\\{name} is a command of psql, not SQL", _ADVICE.get(name, "take it out"))
