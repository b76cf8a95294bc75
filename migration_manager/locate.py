"""Where a character offset is, in the terms of an editor: line, column, and the lines around it."""

from __future__ import annotations

from collections.abc import Callable

_WIDEST = 400


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Return the 1-based line and column (both in characters) of a 0-based offset.

    An offset past the end counts as the end. `text` has LF line ends, as every `Source` has.
    """
    offset = max(0, min(offset, len(text)))
    line = text.count("\n", 0, offset) + 1
    return line, offset - (text.rfind("\n", 0, offset) + 1) + 1


def excerpt(text: str, offset: int, *, before: int = 1) -> str:
    """Return the line of the offset with a caret under the character, after up to `before` lines of context.

    Each line begins with its number and ` | `; tabs are one space, so that the caret stands right. Of a very long line
    only the part around the offset is there, still wider than a screen: whoever shows it takes secrets out of it
    before making it fit (`fit`), because half a secret would not be recognised.
    """
    line, column = line_and_column(text, offset)
    lines = text.split("\n")
    gutter = len(str(line))
    shift = max(0, column - 1 - _WIDEST // 2)
    shown = []
    for number in range(max(1, line - before), line + 1):
        piece = lines[number - 1].replace("\t", " ")[shift : shift + _WIDEST].rstrip()
        shown.append(f"{number:>{gutter}} | {piece}".rstrip())
    shown.append(" " * gutter + " | " + " " * (column - 1 - shift) + "^")
    return "\n".join(shown)


def fit(shown: str, clean: Callable[[str], str], width: int) -> list[str]:
    """Return an excerpt's lines, cleaned and then cut to a width around the caret.

    Where cleaning changed the line with the error, the caret would point beside it and is left out.
    """
    *lines, caret = shown.split("\n")
    gutter = caret.index(" | ") + 3
    room = max(20, width - gutter)
    shift = max(0, len(caret) - 1 - gutter - room * 2 // 3)
    cleaned = [line[:gutter] + clean(line[gutter:]) for line in lines]
    fitted = [(line[:gutter] + line[gutter + shift : gutter + shift + room]).rstrip() for line in cleaned]
    if cleaned[-1] == lines[-1]:
        fitted.append(caret[:gutter] + caret[gutter + shift :])
    return fitted
