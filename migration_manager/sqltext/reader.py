"""A statement read word by word, as far as somebody has to: its words, its names, and how deep in parentheses."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from migration_manager.model import Dialect, Statement
from migration_manager.sqltext.facts import statement_tokens
from migration_manager.sqltext.lexical import Kind, Token, upper

Key = tuple[str, ...]  # a name as the database compares it, with what qualifies it


class Name(NamedTuple):
    """A name: `shown` is how the file writes it."""

    key: Key
    shown: str


class Reader:
    """The tokens of a statement without its comments, read forward; as many as are asked for."""

    def __init__(self, text: str, statement: Statement, dialect: Dialect) -> None:
        self._text = text
        self._statement = statement
        self._dialect = dialect
        self._rest = statement_tokens(text, statement, dialect)
        self._ahead: deque[tuple[str, Token]] = deque()
        self.depth = 0  # of parentheses, around the token that is next
        self.position = statement.start  # where the token ended that was gone past last

    def _has(self, ahead: int) -> bool:
        """Return whether so many tokens come before another one."""
        while len(self._ahead) <= ahead:
            token = next(self._rest, None)
            if token is None:
                return False
            written = self._text[token.start : token.end]
            self._ahead.append((upper(written) if token.kind is Kind.WORD else written, token))
        return True

    def mentions(self, word: str) -> bool:
        """Return whether the word, in upper case, stands anywhere in the statement."""
        return word in self._text[self._statement.start : self._statement.end].upper()

    def word(self, ahead: int = 0) -> str:
        """Return a token that comes: a word in upper case, anything else as it is written; nothing after the last."""
        return self._ahead[ahead][0] if self._has(ahead) else ""

    def step(self) -> str:
        """Go past one token and return it."""
        if not self._has(0):
            return ""
        word, token = self._ahead.popleft()
        self.position = token.end
        if word == "(":
            self.depth += 1
        elif word == ")":
            self.depth -= 1
        return word

    def takes(self, *words: str) -> bool:
        """Go past these words where they are next; return whether they were."""
        if any(self.word(ahead) != word for ahead, word in enumerate(words)):
            return False
        for _ in words:
            self.step()
        return True

    def steps(self) -> Iterator[str]:
        """Go past one token after the other."""
        while word := self.step():
            yield word

    def name(self) -> Name | None:
        """Go past a name with what qualifies it; None where none is next."""
        key: list[str] = []
        shown: list[str] = []
        while part := self._part():
            key.append(part[0])
            shown.append(part[1])
            if not self.takes("."):
                return Name(tuple(key), ".".join(shown))
        return None

    def names(self) -> Iterator[Name]:
        """Go past names with commas between them."""
        self.takes("ONLY")
        while name := self.name():
            yield name
            self.takes("*")
            if not self.takes(","):
                return
            self.takes("ONLY")

    def _part(self) -> tuple[str, str] | None:
        if not self._has(0):
            return None
        _, token = self._ahead[0]
        end, count = token.end, 1
        # U&"…"; what it spells is not worked out.
        if self.word() == "U" and self.word(1) == "&" and self._has(2) and self._ahead[2][1].kind is Kind.IDENTIFIER:
            end, count = self._ahead[2][1].end, 3
        elif token.kind is not Kind.WORD and not self._is_quoted_name(token):
            return None
        for _ in range(count):
            self.step()
        written = self._text[token.start : end]
        return self._folded(token, written), " ".join(written.split())

    def _is_quoted_name(self, token: Token) -> bool:
        return token.kind is Kind.IDENTIFIER or (token.kind is Kind.STRING and self._dialect is Dialect.SQLITE)

    def _folded(self, token: Token, written: str) -> str:
        if token.kind is not Kind.WORD:
            quote = written[-1]
            written = written[1:-1].replace(quote * 2, quote)
        elif self._dialect is Dialect.POSTGRESQL:
            return upper(written).lower() if written.isascii() else written
        return written.lower() if self._dialect is Dialect.SQLITE and written.isascii() else written
