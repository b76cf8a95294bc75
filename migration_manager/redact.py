"""The last net before anything is shown or stored: takes secrets out of a text.

Secrets never go into messages in the first place; this is for the words of others, such as a server that
quotes the statement it refused. It knows the literal secrets it was told, in the forms a text may carry them,
and a few shapes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from migration_manager.secret import MASK, Secret

UNCHECKED: Final = "(this text could not be checked for secrets, so it is not shown)"

_SHORTEST = 3  # a literal shorter than this would be found everywhere
_LONG_ENOUGH = 8  # from here on a secret is replaced inside of words too

_NAME = "(?:password|passwd|pwd)"
_SQL_TEXT = r"""(?:[EeNn]|[Uu]&)?'(?:[^'\\\n]|''|\\.)*'?"""  # a server's excerpt may cut the end off
_JSON_TEXT = r"""\\"(?:[^"\\\n]|\\[^"\n])*(?:\\")?"""  # quoted inside of a JSON text
_MASKED = re.escape(MASK) + r"""(?=[\s"',;)}]|\Z)"""
_BARE_TEXT = r"""(?:[^\s"&\\]|\\(?!["']))+"""


def _without_password(url: re.Match[str]) -> str:
    # To the last @ of the word, for a password with an @ or / in it that should have been encoded.
    _, at, rest = url[2].rpartition("@")
    return f"{url[1]}{MASK}@{rest}" if at else url[0]


_PATTERNS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), replacement)
    for pattern, replacement in (
        # scheme://user:password@, and with one slash: an address that was taken for a path has lost the other
        (r"""(:/{1,2}[^\s:/@"]{0,255}:)([^\s"]+)""", _without_password),
        # "password": "text" and 'password': 'text', as JSON and repr write them
        (rf"""({_NAME}(['"])\s{{0,20}}:\s{{0,20}})(['"])(?:(?!\3)[^\\\n]|\\.)*\3?""", rf"\1\3{MASK}\3"),
        # SQL: PASSWORD 'text', E'text'; a quotation mark before the word makes it a text itself
        (rf"""((?<!['"\w]){_NAME}\s{{0,20}}){_SQL_TEXT}""", rf"\1'{MASK}'"),
        # SQL: PASSWORD $$text$$, $tag$text$tag$
        (rf"((?<!\w){_NAME}\s{{0,20}})\$(\w{{0,63}})\$.*?(?:\$\2\$|\Z)", rf"\1'{MASK}'"),
        # password=text, password = 'text', sslpassword="text", &password=text&, PGPASSWORD=text
        (
            rf"""({_NAME}\s{{0,20}}=>?\s{{0,20}})(?:{_MASKED}|{_SQL_TEXT}|"[^"\n]*"?|{_JSON_TEXT}|{_BARE_TEXT})""",
            rf"\1{MASK}",
        ),
    )
)

_QUOTINGS: Final[tuple[Callable[[str], str], ...]] = (
    lambda text: text.replace("'", "''"),  # SQL
    lambda text: text.replace("\\", "\\\\").replace("'", "''"),  # SQL's E''
    lambda text: text.replace("\\", "\\\\").replace("'", "\\'"),  # libpq's key='value'
    lambda text: repr(text)[1:-1],
    lambda text: ascii(text)[1:-1],
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
)


class Redactor:
    """Knows secrets and takes them out of texts; make one per process and pass it to every sink."""

    def __init__(self, secrets: Iterable[Secret | str] = ()) -> None:
        self._forms: set[str] = set()
        self._literal: re.Pattern[str] | None = None
        for secret in secrets:
            self.add(secret)

    def add(self, secret: Secret | str) -> None:
        """Remember a secret in its plain, URL-encoded, SQL-quoted, JSON and repr forms.

        One of one or two characters is ignored: it would be found everywhere.
        """
        text = secret.reveal() if isinstance(secret, Secret) else secret
        if len(text) < _SHORTEST:
            return
        forms = {text}
        for _ in range(2):  # a repr of a repr, as tracebacks of wrapped errors have
            forms |= {quote(form) for form in forms for quote in _QUOTINGS}
        self._forms |= forms
        # The longest form first: a short one must not leave the tail of a longer one behind.
        longest_first = sorted(self._forms, key=lambda form: (-len(form), form))
        self._literal = re.compile("|".join(_as_pattern(form) for form in longest_first))

    def clean(self, text: str) -> str:
        """Return the text without secrets. Never raises; what cannot be checked becomes `UNCHECKED`."""
        try:
            return self._cleaned(text)
        except Exception:  # noqa: BLE001  # whatever went wrong, the unchecked text must not get out
            return UNCHECKED

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where a text has a secret that this one knows, in any of its forms: its beginning and its end."""
        if self._literal is not None:
            for found in self._literal.finditer(text):
                yield found.span()

    def _cleaned(self, text: str) -> str:
        if self._literal is not None:
            text = self._literal.sub(MASK, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text


def _as_pattern(form: str) -> str:
    """Return a pattern for the form where each character may also be percent-encoded."""
    pattern = "".join(_character(c) for c in form)
    if len(form) >= _LONG_ENOUGH:
        return pattern
    # %40app, \napp: the end of an escape is not the beginning of a longer word.
    before = r"(?:(?<!\w)|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt]))" if _is_word(form[0]) else ""
    after = r"(?!\w)" if _is_word(form[-1]) else ""
    return f"{before}{pattern}{after}"


def _character(c: str) -> str:
    if c.isascii() and (c.isalnum() or c in "-._~"):
        return re.escape(c)
    # surrogatepass: a variable with bytes that are not UTF-8 may be a secret too
    escapes = "".join(f"%{_digits(byte)}" for byte in c.encode("utf-8", "surrogatepass"))
    return rf"(?:{escapes}|{re.escape(c)}|\+)" if c == " " else f"(?:{escapes}|{re.escape(c)})"


def _digits(byte: int) -> str:
    return "".join(d if d.isdigit() else f"[{d}{d.lower()}]" for d in f"{byte:02X}")


def _is_word(c: str) -> bool:
    return c.isalnum() or c == "_"
