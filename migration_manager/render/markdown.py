"""Texts of others inside Markdown, where nothing in them is markup. Pure."""

from __future__ import annotations


def escaped(text: str) -> str:
    """Return a text as a cell of a table can hold it, and nothing in it is markup."""
    for character in "\\`*_[]<>|#":
        text = text.replace(character, f"\\{character}" if character != "<" else "&lt;")
    return text.replace("\n", "<br>")


def code(text: str) -> str:
    """Return a name as code."""
    return f"`{text}`"
