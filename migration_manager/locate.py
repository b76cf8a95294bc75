"""Where a character offset is, in the terms of an editor: line, column, and the lines around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

TAB: Final = "\t"
_WIDEST: Final = 400  # characters of a line that an excerpt keeps
_HELD: Final = 64 * 1024  # characters of one line that are held while looking for its end


class Place(NamedTuple):
    """A place in a text: the 1-based line and column, both in characters, and the lines around it with a caret."""

    line: int
    column: int
    excerpt: str


def locate(chunks: Iterable[str], offset: int) -> Place:
    """Return where a 0-based offset is; one past the end counts as the end. The chunks' text has LF line ends.

    In the excerpt the line of the offset comes after the one before it, and the caret last. Each line begins with its
    number and ` | `; tabs are one space, so that the caret stands right. Of a very long line only the part around the
    offset is there, still wider than a screen: whoever shows it takes secrets out of it before making it fit (`fit`),
    because half a secret would not be recognised.
    """
    window, origin, line, cut = _around(chunks, max(0, offset))
    at = min(max(0, offset) - origin, len(window))
    line += window.count("\n", 0, at)
    begin = window.rfind("\n", 0, at) + 1
    column = at - begin + 1 + (cut if begin == 0 else 0)
    before = window[window.rfind("\n", 0, max(begin - 1, 0)) + 1 : begin - 1] if begin else None
    if before is not None and cut and "\n" not in window[: begin - 1]:
        before = None  # its beginning was forgotten
    end = window.find("\n", at)
    shift = max(0, at - begin - _WIDEST // 2)
    shown = [(line, window[begin : end if end >= 0 else len(window)])]
    if before is not None:
        shown.insert(0, (line - 1, before))
    gutter = len(str(line))
    lines = [
        f"{number:>{gutter}} | {text.replace(TAB, ' ')[shift : shift + _WIDEST].rstrip()}".rstrip()
        for number, text in shown
    ]
    return Place(line, column, "\n".join([*lines, " " * gutter + " | " + " " * (at - begin - shift) + "^"]))


def _around(chunks: Iterable[str], offset: int) -> tuple[str, int, int, int]:
    """Return the part of a text around an offset, where it begins, on which line, and how much of that line is cut."""
    window, origin, line, cut = "", 0, 1, 0
    for chunk in chunks:
        window += chunk
        if origin + len(window) > offset + _WIDEST:
            break
        if origin + len(window) > offset:
            continue
        # Kept are the line that goes on and the one before it, of a very long one only the end.
        last = window.rfind("\n")
        keep = window.rfind("\n", 0, max(last, 0)) + 1
        if len(window) - last > _HELD:
            keep = len(window) - _WIDEST
            cut = keep - last - 1 if last >= 0 else cut + keep
        elif keep:
            cut = 0
        line += window.count("\n", 0, keep)
        window = window[keep:]
        origin += keep
    return window, origin, line, cut


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
