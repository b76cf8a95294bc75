"""The one way out to people: styled on a terminal, plain elsewhere, always redacted, never executable by a terminal.

A line is a sequence of segments, each a text or a (text, style) pair. rich is imported only for a terminal, and only
ever given text, never markup: SQL is full of brackets.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable
from contextlib import suppress
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

Segment = str | tuple[str, str]

NAME = "cyan"
GOOD = "green"
BAD = "bold red"
LOOK = "yellow"
DIM = "dim"
HEAD = "bold"

# C0, DEL and C1 controls except newline and tab: a hostile server or file name must not drive the terminal.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Screen:
    """Where a command writes: results to `out`, messages to `messages`. `clean` takes secrets out of a text.

    With `document` the results are one JSON document, and only what others have said stands beside it.
    """

    def __init__(
        self,
        *,
        clean: Callable[[str], str],
        color: bool = True,
        quiet: bool = False,
        document: bool = False,
        verbose: bool = False,
        out: IO[str] | None = None,
        messages: IO[str] | None = None,
    ) -> None:
        self.clean = clean
        self._out = _Stream(out or sys.stdout, color=color)
        self._messages = _Stream(messages or sys.stderr, color=color)
        self.quiet = quiet or document  # a document says all that a command has to say
        self._deaf = quiet
        self.verbose = verbose

    @property
    def is_terminal(self) -> bool:
        """Whether results go to a person's terminal."""
        return self._out.is_terminal

    @property
    def width(self) -> int | None:
        """How many columns a person sees; None where results do not go to a terminal."""
        return shutil.get_terminal_size().columns if self._out.is_terminal else None

    @property
    def is_live(self) -> bool:
        """Whether a line of messages can be drawn over."""
        return self._messages.is_terminal

    @property
    def columns(self) -> int:
        """How many columns a line of messages has."""
        return shutil.get_terminal_size().columns

    def live(self, *segments: Segment) -> None:
        """Write a line of progress to standard error, which on a terminal stands until anything else is written."""
        if self.quiet:
            return
        if not self.is_live:
            self.message(*segments)
            return
        text = "".join(text for text, _ in self._safe(segments))
        self._messages.draw(text[: self.columns - 3])  # room for the ^C a terminal echoes

    def result(self, *segments: Segment) -> None:
        """Write one line of a result to standard output; nothing under --quiet."""
        if not self.quiet:
            self._to_out().write(self._safe(segments))

    def data(self, text: str) -> None:
        """Write text that was asked for as such, a URL for instance, to standard output, under --quiet too."""
        self._to_out().write(self._safe((text,)))

    def document(self, text: str) -> None:
        """Write JSON text, whose values are clean already, to standard output as it is."""
        self._to_out().write([(text, "")])

    def text(self, text: str) -> None:
        """Write a whole text to standard output, as it is where a program reads it, under --quiet too."""
        if self.is_terminal:
            self._to_out().write_sql(self._safe_text(text))
        else:
            self.document(text.removesuffix("\n"))

    def message(self, *segments: Segment) -> None:
        """Write one line of progress or explanation to standard error; nothing under --quiet."""
        if not self.quiet:
            self._messages.write(self._safe(segments))

    def quote(self, text: str) -> None:
        """Write a line of what the database said to standard error; nothing under --quiet."""
        if not self._deaf:
            self._messages.write(self._safe((text,)))

    def warning(self, text: str) -> None:
        """Write a warning to standard error, under --quiet too."""
        self.prose("warning: ", LOOK, text)

    def prose(self, label: str, style: str, text: str) -> None:
        """Write a labelled sentence to standard error, under --quiet too; a terminal wraps it at words."""
        lines = text.split("\n")
        if self._messages.is_terminal:
            room = max(20, self.columns - len(label))
            lines = [piece for line in lines for piece in folded(line, room)]
        for number, line in enumerate(lines or [""]):
            head = (label, style) if number == 0 else " " * len(label)
            self._messages.write(self._safe((head, line)))

    def error(self, *segments: Segment) -> None:
        """Write one line of an error to standard error, under --quiet too."""
        self._messages.write(self._safe(segments))

    def sql(self, text: str) -> None:
        """Write SQL to standard output, highlighted on a terminal."""
        if not self.quiet:
            self._to_out().write_sql(self._safe_text(text))

    def _to_out(self) -> _Stream:
        self._messages.wipe()
        return self._out

    def _safe(self, segments: tuple[Segment, ...]) -> list[tuple[str, str]]:
        pairs = [(part, "") if isinstance(part, str) else part for part in segments]
        return [(self._safe_text(text), style) for text, style in pairs]

    def _safe_text(self, text: str) -> str:
        return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", self.clean(text))


def folded(line: str, room: int) -> list[str]:
    """Return a line cut at words into pieces of so many characters, as far in as it begins."""
    if len(line) <= room:
        return [line]
    margin = line[: len(line) - len(line.lstrip(" "))]
    return textwrap.wrap(
        line.strip(), room, initial_indent=margin, subsequent_indent=margin, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


class _Stream:
    """One output stream; survives a reader that goes away, so that a run is not affected by it."""

    def __init__(self, stream: IO[str], *, color: bool) -> None:
        self._stream = stream
        self._closed = False
        self.is_terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._console: Console | None = None
        self._drawn = False
        self._colored = color and self.is_terminal and not os.environ.get("NO_COLOR")

    def draw(self, text: str) -> None:
        """Draw a line that the next one replaces; for a terminal."""
        self._drawn = True
        self._put(f"\r{text}\x1b[K")

    def wipe(self) -> None:
        """Take away what was drawn."""
        if self._drawn:
            self._drawn = False
            self._put("\r\x1b[K")

    def write(self, segments: list[tuple[str, str]]) -> None:
        self.wipe()
        if not self._colored:
            self._put("".join(text for text, _ in segments).rstrip(" ") + "\n")
            return
        from rich.text import Text

        self._print(Text.assemble(*segments), end="\n")

    def write_sql(self, text: str) -> None:
        if not self._colored:
            self._put(text.rstrip("\n") + "\n")
            return
        from rich.syntax import Syntax

        # As text, which wraps: a Syntax by itself cuts long lines off.
        syntax = Syntax("", "postgresql", theme="ansi_dark", background_color="default")
        self._print(syntax.highlight(text.rstrip("\n")), end="")

    def _print(self, text: Text, *, end: str) -> None:
        if self._closed:
            return
        try:
            self._rich().print(text, soft_wrap=True, end=end)
        except OSError:
            self._give_up()

    def _put(self, text: str) -> None:
        if self._closed:
            return
        try:
            try:
                self._stream.write(text)
            except UnicodeEncodeError:  # a terminal or pipe that is not UTF-8
                encoding = getattr(self._stream, "encoding", None) or "ascii"
                self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            self._stream.flush()
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
        """Write nothing any more: the reader has gone, or the disk is full. The run goes on."""
        self._closed = True
        with suppress(OSError, ValueError):
            # What is still buffered must not fail again when the interpreter flushes at its end.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def _rich(self) -> Console:
        if self._console is None:
            from rich.console import Console

            self._console = Console(file=self._stream, markup=False, highlight=False, emoji=False)
        return self._console
